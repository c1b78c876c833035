import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startPart } from "./startPart.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-part-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

describe("startPart", () => {
  it("passes on the environment without the configuration, and what the part is given", async () => {
    vi.stubEnv("CALIBER_CONFIG", "/nowhere");
    vi.stubEnv("CALIBER_REGISTRY_BIND", "0.0.0.0");
    vi.stubEnv("CALIBER_AGENT_LOG_LEVEL", "debug");
    vi.stubEnv("CALIBER_UP_WINDOW", "1s");
    vi.stubEnv("CALIBER_SIM_HOST", "sim-a");
    const log_file = join(dir, "env.log");
    const part = startPart({ name: "env", command: "/usr/bin/env", args: [], env: { OWN: "1" }, log_file });
    expect(await part.ended).toBe(0);
    const lines = readFileSync(log_file, "utf8").split("\n");
    expect(lines.filter((line) => line.startsWith("CALIBER_"))).toEqual(["CALIBER_SIM_HOST=sim-a"]);
    expect(lines).toContain("OWN=1");
    expect(lines).toContain(`PATH=${process.env.PATH}`);
  });
});
