import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CaliberError } from "../../protocol/errors.js";
import { readConfigFile } from "./readConfigFile.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-config-"));
  path = join(dir, "caliber.json");
});
afterEach(() => rmSync(dir, { recursive: true }));

const refusal = (text: string): CaliberError => {
  writeFileSync(path, text);
  try {
    readConfigFile(path);
  } catch (error) {
    return error as CaliberError;
  }
  throw new Error("it was taken");
};

describe("readConfigFile", () => {
  it("gives each section its settings, by name of the flag, and where they stand", () => {
    writeFileSync(
      path,
      JSON.stringify({ registry: { name: ["a", "b"], mqtt_port: 8883 }, up: { simulate: true } }),
    );
    const { agent, registry, up } = readConfigFile(path);
    expect(agent.size).toBe(0);
    expect([...registry]).toEqual([
      ["name", { value: ["a", "b"], from: "file", at: `/registry/name in ${path}` }],
      ["mqtt-port", { value: 8883, from: "file", at: `/registry/mqtt_port in ${path}` }],
    ]);
    expect([...up]).toEqual([["simulate", { value: true, from: "file", at: `/up/simulate in ${path}` }]]);
  });

  it.each([
    ['{"agnet": {}}', "/agnet is no setting"],
    ['{"agent": {"data-dir": "/x"}}', "/agent/data-dir is no setting"],
    ['{"agent": {"yes": true}}', "/agent/yes is no setting"],
    ['{"up": {"__proto__": {}}}', "/up/__proto__ is no setting"],
    ['{"up": {"a/b~c": 1}}', "/up/a~1b~0c is no setting"],
    ['{"agent": []}', "/agent must be object"],
    ["7", "the whole must be object"],
    ['{"registry": {"mqtt_port": "8883"}}', "/registry/mqtt_port must be integer"],
    ['{"registry": {"mqtt_port": -1}}', "/registry/mqtt_port must be >= 0"],
    ['{"registry": {"name": "a"}}', "/registry/name must be array"],
    ['{"registry": {"name": ["a", 1]}}', "/registry/name/1 must be string"],
    ['{"registry": {"window": 60}}', "/registry/window must be string"],
    ['{"up": {"simulate": "true"}}', "/up/simulate must be boolean"],
    ['{"agent": {"label": null}}', "/agent/label must be string"],
    ['{"agent": {"label": ""}}', "/agent/label must NOT have fewer than 1 characters"],
  ])("refuses %s", (text, why) => {
    const { code, message, disposition } = refusal(text);
    expect({ code, message, disposition }).toEqual({
      code: "CONFIG_INVALID",
      message: `the configuration ${path}: ${why}`,
      disposition: "user",
    });
  });

  it("tells all that is wrong at once", () => {
    const { message, details } = refusal('{"up": {"simulate": 1}, "agent": {"windw": "s"}}');
    expect(`${message} ${details}`).toContain("/agent/windw is no setting");
    expect(`${message} ${details}`).toContain("/up/simulate must be boolean");
  });

  it("says where it is not JSON, without quoting it", () => {
    const error = refusal('{"registry": {\n  "rpc_url": "https://node/secret-key"\n  "tick": "1s"}}');
    expect(error).toMatchObject({
      code: "CONFIG_MALFORMED",
      message: `the configuration ${path} is not JSON: see line 3`,
    });
    expect(error.cause).toBeUndefined();
    expect(refusal('{"rpc_url": secret-key}').message).toBe(`the configuration ${path} is not JSON`);
    expect(refusal("").code).toBe("CONFIG_MALFORMED");
  });

  it("says that it cannot be read, and why", () => {
    expect(() => readConfigFile(path)).toThrow(
      expect.objectContaining({
        code: "CONFIG_UNREADABLE",
        message: `the configuration ${path} cannot be read (ENOENT)`,
      }),
    );
    expect(() => readConfigFile(dir)).toThrow(expect.objectContaining({ code: "CONFIG_UNREADABLE" }));
  });
});
