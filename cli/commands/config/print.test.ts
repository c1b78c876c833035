import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "./print.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-config-"));
  path = join(dir, "caliber.json");
  const registry = {
    rpc_url: ["https://user:pw@node.example:8443/v2/the-key?k=the-key", "the-key"],
    name: ["a"],
    tick: "1s",
  };
  writeFileSync(path, JSON.stringify({ registry, agent: { data_dir: "/var/lib/caliber" } }));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function printed(argv: string[], env: NodeJS.ProcessEnv = {}) {
  let out = "";
  let err = "";
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const code = await run(argv, io, env);
  return { code, out, err };
}

describe("config print", () => {
  it("shows what file, variables and flags give, and where", async () => {
    const argv = ["registry", "--json", "--config", path, "--tick", "3s", "--mqtt-port", "8883"];
    const { code, out } = await printed(argv, { CALIBER_REGISTRY_TICK: "2s", CALIBER_REGISTRY_BIND: "::1" });
    expect(code).toBe(0);
    const { v, file, settings } = JSON.parse(out);
    expect({ v, file, sections: Object.keys(settings) }).toEqual({
      v: 1,
      file: path,
      sections: ["registry"],
    });
    expect(settings.registry).toMatchObject({
      tick: { value: "3s", from: "flag", at: "--tick" },
      bind: { value: "::1", from: "environment", at: "CALIBER_REGISTRY_BIND" },
      name: { value: ["a"], from: "file", at: `/registry/name in ${path}` },
      mqtt_port: { value: 8883, from: "flag", at: "--mqtt-port" },
      policy: { value: null, from: "default", at: null },
    });
  });

  it.each([[[]], [["--json"]]])("never shows the key in an address (%j)", async (json: string[]) => {
    const { out } = await printed([...json, "--config", path]);
    expect(out).toContain("https://node.example:8443/***");
    expect(out).not.toMatch(/the-key|user|pw/);
    const bare = await printed(["registry", "--rpc-url", "the-key"]);
    expect(bare.out).toContain('"***"');
    expect(bare.out).not.toContain("the-key");
  });

  it("shows all sections as text without a file", async () => {
    const { out } = await printed([], { CALIBER_UP_SIMULATE: "true" });
    expect(out).toMatch(/^file {2}none\n\nagent\n {2}data_dir +default\n/);
    expect(out).toMatch(/^registry$/m);
    expect(out).toMatch(/^ {2}simulate +true {2}\(environment: CALIBER_UP_SIMULATE\)$/m);
  });

  it("knows the section from a flag's value", async () => {
    const { out } = await printed(["--label", "up", "agent", "--json"]);
    expect(JSON.parse(out).settings.agent.label).toEqual({ value: "up", from: "flag", at: "--label" });
  });

  it("tells what is wrong", async () => {
    expect(await printed(["registrar"])).toMatchObject({
      code: 64,
      out: "",
      err: expect.stringContaining("no such section: registrar"),
    });
    await expect(printed(["--label", "x"])).rejects.toMatchObject({ code: "ERR_PARSE_ARGS_UNKNOWN_OPTION" });
    await expect(printed(["up", "--api-port", "x"])).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(printed(["--config", join(dir, "none")])).rejects.toMatchObject({
      code: "CONFIG_UNREADABLE",
    });
    await expect(printed([], { CALIBER_UP_X: "1" })).rejects.toMatchObject({
      code: "CONFIG_VARIABLE_UNKNOWN",
    });
  });
});
