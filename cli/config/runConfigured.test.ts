import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { options as registryRun } from "../commands/registry/run.js";
import { commandTable } from "../commandTable.js";
import { options as upOptions } from "../up/up.js";
import type { OptionTable } from "./configure.js";
import { runConfigured } from "./runConfigured.js";

let dir: string;
let path: string;
let out: string;
const io = {
  out: (text: string) => {
    out += text;
  },
  err: () => undefined,
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-config-"));
  path = join(dir, "caliber.json");
  out = "";
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What a command with these options reads from its arguments. */
async function seen(name: string, options: OptionTable, argv: string[], env: NodeJS.ProcessEnv = {}) {
  let values: Record<string, unknown> = {};
  const command = {
    options,
    run: async (args: string[]) => {
      values = { ...parseArgs({ args, options, allowNegative: true }).values };
      return 0;
    },
  };
  await runConfigured(name, command, argv, io, env);
  return values;
}

const real = async (name: string, argv: string[], env: NodeJS.ProcessEnv = {}) =>
  runConfigured(name, await commandTable[name]!(), argv, io, env);

describe("runConfigured", () => {
  it("lets a flag win over a variable, and a variable over the file", async () => {
    writeFileSync(
      path,
      JSON.stringify({ up: { window: "1s", duration: "2s", scenario: "-f", api_port: 7 } }),
    );
    const env = { CALIBER_CONFIG: path, CALIBER_UP_WINDOW: "3s", CALIBER_UP_DURATION: "4s" };
    expect(await seen("up", upOptions, ["--window", "5s"], env)).toEqual({
      window: "5s",
      duration: "4s",
      scenario: "-f",
      "api-port": "7",
    });
  });

  it("lets a list be replaced, never added to", async () => {
    writeFileSync(path, JSON.stringify({ registry: { name: ["a", "b"] } }));
    const from = (argv: string[], env = {}) =>
      seen("registry run", registryRun, ["--config", path, ...argv], env);
    expect(await from([])).toEqual({ name: ["a", "b"] });
    expect(await from([], { CALIBER_REGISTRY_NAME: "c,d" })).toEqual({ name: ["c", "d"] });
    expect(await from(["--name", "e"], { CALIBER_REGISTRY_NAME: "c" })).toEqual({ name: ["e"] });
  });

  it("lets a switch be turned off by what is stronger", async () => {
    writeFileSync(path, JSON.stringify({ up: { simulate: true } }));
    const from = (argv: string[], env = {}) => seen("up", upOptions, [`--config=${path}`, ...argv], env);
    expect(await from([])).toEqual({ simulate: true });
    expect(await from([], { CALIBER_UP_SIMULATE: "false" })).toEqual({});
    expect(await from(["--no-simulate"])).toEqual({ simulate: false });
  });

  it("takes --config over CALIBER_CONFIG, wherever it stands", async () => {
    writeFileSync(path, JSON.stringify({ up: { window: "1s" } }));
    const env = { CALIBER_CONFIG: join(dir, "none.json") };
    expect(await seen("up", upOptions, ["--simulate", "--config", path], env)).toEqual({
      simulate: true,
      window: "1s",
    });
    await expect(seen("up", upOptions, [], env)).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
    await expect(seen("up", upOptions, ["--config"])).rejects.toMatchObject({ code: "OPTION_MISSING" });
  });

  it("gives a command what is its own, and nothing of other commands and sections", async () => {
    writeFileSync(
      path,
      JSON.stringify({
        agent: { data_dir: "/a", log_level: "debug" },
        registry: { name: ["x"], data_dir: "/r" },
      }),
    );
    const { options } = await commandTable["registry token"]!();
    expect(await seen("registry token", options, [], { CALIBER_CONFIG: path })).toEqual({ "data-dir": "/r" });
  });

  it("refuses what is wrong in another section too", async () => {
    writeFileSync(path, JSON.stringify({ agent: { windw: "1s" } }));
    await expect(seen("up", upOptions, ["--config", path])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(seen("up", upOptions, [], { CALIBER_AGENT_X: "1" })).rejects.toMatchObject({
      code: "CONFIG_VARIABLE_UNKNOWN",
    });
  });

  it("helps, and verifies evidence, whatever the configuration", async () => {
    const env = { CALIBER_CONFIG: "/nowhere", CALIBER_AGENT_X: "1" };
    expect(await real("agent run", ["--help"], env)).toBe(0);
    expect(await real("evidence verify", ["--help"], env)).toBe(0);
    expect(out).toContain("caliber agent run");
    expect(out).toContain("caliber evidence verify");
  });

  it("says where a value stands that a command refuses", async () => {
    writeFileSync(path, JSON.stringify({ up: { window: "ten" }, agent: { data_dir: dir } }));
    await expect(real("up", ["--config", path])).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("--window is a duration"),
      details: `--window is from /up/window in ${path}`,
      disposition: "user",
    });
    const env = { CALIBER_AGENT_ACCEPT_CONTRACT: "1" };
    await expect(real("agent run", ["--config", path], env)).rejects.toMatchObject({
      code: "TITLE_CONTRACT_MALFORMED",
      details: "--accept-contract is from CALIBER_AGENT_ACCEPT_CONTRACT",
    });
    await expect(real("agent run", ["--config", path, "--log-level", "loud"])).rejects.toMatchObject({
      code: "OPTION_INVALID",
      details: undefined,
    });
  });

  it("lets no configuration say yes for a person", async () => {
    await expect(real("agent unenroll", [], { CALIBER_AGENT_YES: "true" })).rejects.toMatchObject({
      code: "CONFIG_VARIABLE_UNKNOWN",
    });
  });
});
