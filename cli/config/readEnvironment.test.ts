import { describe, expect, it } from "vitest";
import { readEnvironment } from "./readEnvironment.js";

describe("readEnvironment", () => {
  it("reads each kind, and takes an empty variable for none", () => {
    const { agent, registry, up } = readEnvironment({
      CALIBER_AGENT_DATA_DIR: "/x",
      CALIBER_AGENT_LABEL: "",
      CALIBER_REGISTRY_NAME: "a.example, 10.0.0.1",
      CALIBER_REGISTRY_MQTT_PORT: "8883",
      CALIBER_UP_SIMULATE: "false",
    });
    expect([...agent]).toEqual([
      ["data-dir", { value: "/x", from: "environment", at: "CALIBER_AGENT_DATA_DIR" }],
    ]);
    expect(registry.get("name")?.value).toEqual(["a.example", "10.0.0.1"]);
    expect(registry.get("mqtt-port")?.value).toBe(8883);
    expect(up.get("simulate")?.value).toBe(false);
  });

  it("refuses a variable of a section that is no setting of it, whatever it holds", () => {
    const env = { CALIBER_AGENT_DATADIR: "a-secret", CALIBER_UP_YES: "", CALIBER_UP_WINDOW: "5s" };
    expect(() => readEnvironment(env)).toThrow(
      expect.objectContaining({
        code: "CONFIG_VARIABLE_UNKNOWN",
        message: "no such setting: CALIBER_AGENT_DATADIR, CALIBER_UP_YES",
        disposition: "user",
      }),
    );
  });

  it("leaves variables of others alone", () => {
    const others = { CALIBER_CONFIG: "/x", CALIBER_SAMPLES: "y", CALIBER_SIM_HOST: "z", CALIBER: "", UP: "" };
    for (const found of Object.values(readEnvironment(others))) expect(found.size).toBe(0);
  });

  it.each([
    ["CALIBER_UP_SIMULATE", "yes", "CALIBER_UP_SIMULATE must be true or false"],
    ["CALIBER_REGISTRY_HOST_RATE", "many", "CALIBER_REGISTRY_HOST_RATE must be a whole number"],
    ["CALIBER_REGISTRY_HOST_RATE", "1e3", "CALIBER_REGISTRY_HOST_RATE must be a whole number"],
    ["CALIBER_REGISTRY_NAME", "a,,b", "CALIBER_REGISTRY_NAME must be a list with commas"],
  ])("refuses %s=%s", (name, text, message) => {
    expect(() => readEnvironment({ [name]: text })).toThrow(
      expect.objectContaining({ code: "CONFIG_VARIABLE_INVALID", message }),
    );
  });
});
