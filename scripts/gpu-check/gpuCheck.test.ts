import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ScanResult } from "../../agent/scan/scanResult.js";
import { inventoryOf } from "../../test/support/testReports.js";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
// Plain JavaScript, so that it runs beside a build without a compiler: TypeScript knows nothing of it.
const { compareScans } = await import(here("./compareScans.js"));
const { createScrubber } = await import(here("./createScrubber.js"));

type Body = Record<string, unknown>;
const scan = (source: string, uuid: string, inventory: Body, telemetry: Body = {}) => ({
  source,
  result: {
    from: "live",
    host: null,
    gpus: [{ uuid, bus_id: null, inventory, telemetry, dcgm: null }],
  },
});

describe("compareScans", () => {
  it("tells a contradiction from what moves by itself and from what one source lacks", () => {
    const stat = (mean: number) => ({ min: mean, mean, max: mean });
    const found = compareScans([
      scan(
        "nvml",
        "GPU-a",
        { name: "H200", serial: "1", pdi: "0x1" },
        { power_mw: stat(100_000), temp_mc: stat(40_000) },
      ),
      scan(
        "smi",
        "GPU-a",
        { name: "H200", serial: "2", pdi: null },
        { power_mw: stat(120_000), temp_mc: stat(60_000) },
      ),
    ]);
    expect(found.map(({ field, verdict }: Body) => [field, verdict])).toEqual([
      ["serial", "differs"],
      ["pdi", "absent"],
      ["power_mw", "moved"],
      ["temp_mc", "differs"],
    ]);
  });

  it("tells of a GPU that one source does not show", () => {
    const found = compareScans([scan("nvml", "GPU-a", {}), scan("smi", "GPU-b", {})]);
    expect(found).toMatchObject([
      { uuid: "GPU-a", field: "the GPU itself", verdict: "differs" },
      { uuid: "GPU-b", field: "the GPU itself", verdict: "differs" },
    ]);
  });

  it("takes a value that is 0 for a value", () => {
    const found = compareScans([
      scan("nvml", "GPU-a", { pcie_replays: 0 }),
      scan("smi", "GPU-a", { pcie_replays: null }),
    ]);
    expect(found).toMatchObject([{ field: "pcie_replays", verdict: "absent" }]);
  });
});

describe("createScrubber", () => {
  it("replaces every name of GPU and machine, the same way everywhere", () => {
    const uuid = "GPU-6d5c0ac5-74d7-3130-46f1-e93ed57f469a";
    const inventory = { ...inventoryOf(uuid), serial: "1652718450585", pdi: "0x994308a26bf955be" };
    const host = { machine_id: "ab".repeat(32), serial: "S123456X" } as unknown as ScanResult["host"];
    const gpus = [{ uuid, inventory, telemetry: null }];
    const scrub = createScrubber([{ gpus, host }]);
    const text = `${uuid} 1652718450585 0x994308a26bf955be ${"ab".repeat(32)} S123456X <process_name>/home/x/train</process_name> Hostname="node7" name=python, ${uuid}`;
    const said: string = scrub(text);
    for (const name of [
      uuid,
      "1652718450585",
      "994308a26bf955be",
      "abab",
      "S123456X",
      "train",
      "node7",
      "python",
    ]) {
      expect(said).not.toContain(name);
    }
    const [first, ...rest] = said.split(" ");
    expect(rest.at(-1)).toBe(first);
    expect(first).toMatch(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

describe("gpu-check", () => {
  it("says how it is used, and what is wrong with an option, without a stack", () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [here("."), ...args], { encoding: "utf8" });
    expect(execFileSync(process.execPath, [here("."), "--help"], { encoding: "utf8" })).toContain(
      "--out DIR",
    );
    for (const args of [[], ["--nonsense"], ["--out", "/tmp/x", "--seconds", "0"]]) {
      const { status, stderr } = run(...args);
      expect(status).toBe(64);
      expect(stderr).not.toContain("    at ");
    }
  });
});
