import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { judgeInventory } from "../../protocol/plausibility/judgeInventory.js";
import { judgeTelemetry } from "../../protocol/plausibility/judgeTelemetry.js";
import type { Implausibility, InventoryBody, TelemetryBody } from "../../protocol/report/schema.js";
import { gpuStates, type SimHost } from "../../test/simulator/gpuState.js";
import { models } from "../../test/simulator/models.js";
import { loadScenario, parseScenario } from "../../test/simulator/scenario.js";
import { xmlLog } from "../../test/simulator/xml.js";
import { busyTelemetry } from "../../test/support/testReports.js";
import { noReading } from "../sources/noReading.js";
import type { GpuReading } from "../sources/nvidiaSmi/gpuReading.js";
import { parseXml } from "../sources/nvidiaSmi/parseXml.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import { closeWindow } from "./closeWindow.js";
import { createSeriesWatch } from "./createSeriesWatch.js";
import { createWindow } from "./createWindow.js";
import { createWindowJudge } from "./createWindowJudge.js";

const t0 = Date.UTC(2026, 10, 21);
const scenarios = fileURLToPath(new URL("../../fixtures/scenarios", import.meta.url));
const sampleOf = (reading: GpuReading, at_mono_ms: number): GpuSample => ({
  uuid: reading.uuid!,
  source: "nvidia-smi",
  supplied: [],
  xids: [],
  presence: reading.presence,
  at_ms: t0 + at_mono_ms,
  at_mono_ms,
  fast: reading.fast,
  health: reading.health,
});
const inventoryOf = (reading: GpuReading): InventoryBody => ({ ...reading.inventory, uuid: reading.uuid! });

/** What is found in windows of 10 s on one simulated host, GPU by GPU: `<index> <code>`, each once. */
function foundOn(sim: SimHost, until_s: number): string[] {
  const series = createSeriesWatch();
  const found = new Set<string>();
  const read = (t_s: number) =>
    new Map(
      parseXml(xmlLog(gpuStates(sim, sim.epoch_ms + t_s * 1000), t_s, 8)).map((gpu) => [gpu.uuid!, gpu]),
    );
  const gpus = [...read(0).values()].map((gpu, index) => {
    const judge = createWindowJudge({ uuid: gpu.uuid!, series });
    judge.inventory(inventoryOf(gpu));
    return { uuid: gpu.uuid!, index, judge };
  });
  for (let start_s = 0; start_s < until_s; start_s += 10) {
    const windows = gpus.map(({ uuid }) =>
      createWindow({ uuid, start_mono_ms: start_s * 1000, interval_ms: 1000 }),
    );
    for (let t_s = start_s + 1; t_s <= start_s + 10; t_s += 1) {
      const readings = read(t_s);
      for (const window of windows) {
        const reading = readings.get(window.uuid);
        const gone = { ...noReading, uuid: window.uuid, presence: "missing" } as unknown as GpuReading;
        window.add(sampleOf(reading ?? gone, t_s * 1000));
      }
    }
    for (const { index, judge } of gpus) {
      const { body } = closeWindow(windows[index]!, (start_s + 10) * 1000);
      const span = { start_ms: t0 + start_s * 1000, end_ms: t0 + (start_s + 10) * 1000 };
      for (const { code } of judge.window(body, span)) found.add(`${index} ${code}`);
    }
  }
  return [...found].sort();
}
const hostsOf = (name: string): SimHost[] => {
  const scenario = loadScenario(`${scenarios}/${name}`);
  return scenario.hosts.map((host) => ({ scenario, host, seed: "seed", epoch_ms: t0 }));
};

describe("the simulator's scenarios", () => {
  const honest = readdirSync(scenarios).filter((name) => name.endsWith(".json") && name !== "liar.json");
  it.each(honest)("%s: nothing", (name) => {
    for (const sim of hostsOf(name)) {
      // What the simulator ignores changes nothing here.
      const events = sim.scenario.events.filter(
        (event) => event.host === sim.host.name && event.do !== "silence",
      );
      const until_s = Math.max(30, ...events.map(({ until_s }) => (until_s ?? 0) + 10));
      expect(foundOn(sim, until_s), sim.host.name).toEqual([]);
    }
  });

  it.each(Object.keys(models))("%s, idle, lost, sick and loaded anew: nothing", (model) => {
    const events = [
      { at_s: 10, until_s: 30, host: "h", gpu: 0, do: "idle" },
      { at_s: 20, until_s: 40, host: "h", gpu: 1, do: "lose" },
      { at_s: 15, until_s: 45, host: "h", gpu: 1, do: "ecc_uncorrectable" },
      { at_s: 25, until_s: 35, host: "h", gpu: 0, do: "mig" },
      { at_s: 41, until_s: 52, host: "h", gpu: 0, do: "vanish" },
    ];
    const scenario = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 2, model }], events });
    expect(foundOn({ scenario, host: scenario.hosts[0]!, seed: "s", epoch_ms: t0 }, 70)).toEqual([]);
  });

  it("liar.json: the GPUs that dress up their utilization, and no other", () => {
    const [a, b] = hostsOf("liar.json");
    expect(foundOn(a!, 70)).toEqual([
      "1 BUSY_AT_IDLE_POWER",
      "1 BUSY_WITHOUT_MEMORY",
      "6 BUSY_AT_IDLE_POWER",
      "6 BUSY_WITHOUT_MEMORY",
    ]);
    expect(foundOn(b!, 70)).toEqual([]);
  });
});

describe("recorded files", () => {
  const dir = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-xml`;
  // Where CI runs, absent samples are a failure, not a reason to skip.
  const skip = !existsSync(dir) && process.env.CI !== "true";
  const files = skip ? [] : readdirSync(dir).filter((name) => name.endsWith(".xml"));
  /** NVIDIA's own nvidia-smi over its mock of the driver. */
  const isMock = (name: string) => /^qx-gb200-/.test(name);
  const judge = (name: string): Implausibility[] =>
    parseXml(readFileSync(`${dir}/${name}`, "utf8")).flatMap((reading) => {
      const inventory = inventoryOf({ ...reading, uuid: reading.uuid ?? "GPU-none" });
      const window = createWindow({ uuid: inventory.uuid, start_mono_ms: 0, interval_ms: 1000 });
      for (let n = 1; n <= 8; n += 1) window.add(sampleOf({ ...reading, uuid: inventory.uuid }, n * 1000));
      const { body } = closeWindow(window, 8000);
      const span = { start_ms: t0, end_ms: t0 + 8000 };
      return [
        ...judgeInventory(inventory),
        ...judgeTelemetry({ body, window: span, before: null, inventory }),
      ];
    });

  it.skipIf(skip)("of real GPUs: nothing", () => {
    const real = files.filter((name) => !isMock(name));
    expect(real.length).toBeGreaterThan(8);
    for (const name of real) expect(judge(name), name).toEqual([]);
  });

  it.skipIf(skip)("of a mocked driver are seen for what they are", () => {
    const mocks = files.filter(isMock);
    expect(mocks.length).toBeGreaterThan(0);
    for (const name of mocks) {
      expect(
        judge(name).map(({ code }) => code),
        name,
      ).toContain("MODEL_CONTRADICTION");
    }
  });
});

describe("one GPU's windows", () => {
  const span = (n: number) => ({ start_ms: n * 60_000, end_ms: (n + 1) * 60_000 });
  const body = (n: number, change: Partial<TelemetryBody> = {}): TelemetryBody => ({
    ...busyTelemetry,
    present_ms: 60_000,
    power_mw: { min: 600_000 + n, mean: 650_000 + n, max: 690_000 + n },
    ...change,
  });
  const codes = (found: readonly Implausibility[]) => found.map(({ code }) => code);
  const facts = (change: Partial<InventoryBody> = {}): InventoryBody => ({
    ...inventoryOf({ ...parseXml(xmlLog(gpuStates(hostsOf("steady.json")[0]!, t0), t0, 1))[0]! }),
    ...change,
  });

  it("say once what is wrong with an inventory, after each time that it is told", () => {
    const judge = createWindowJudge({ uuid: "GPU-a", series: createSeriesWatch() });
    judge.inventory(facts({ power_limit_mw: 1_500_000 }));
    expect(codes(judge.window(body(0), span(0)))).toEqual(["POWER_LIMIT_NOT_OF_MODEL"]);
    expect(judge.window(body(1), span(1))).toEqual([]);
    judge.inventory(facts({ power_limit_mw: 1_500_000 }));
    expect(codes(judge.window(body(2), span(2)))).toEqual(["POWER_LIMIT_NOT_OF_MODEL"]);
  });

  it("are held against the one before, and against the inventory told last", () => {
    const judge = createWindowJudge({ uuid: "GPU-a", series: createSeriesWatch() });
    judge.inventory(facts());
    expect(judge.window(body(0), span(0))).toEqual([]);
    expect(codes(judge.window(body(1, { pcie_replays: 1 }), span(1)))).toEqual(["COUNTER_WENT_BACK"]);
    judge.inventory(facts({ fb_total_mib: 80_000 }));
    expect(
      codes(
        judge.window(
          body(2, { pcie_replays: 1, fb_used_mib: { min: 80_001, mean: 80_001, max: 80_001 } }),
          span(2),
        ),
      ),
    ).toEqual(["MEMORY_ABOVE_TOTAL"]);
  });

  it("are held against those of the host's other GPUs", () => {
    const series = createSeriesWatch();
    const [a, b] = ["GPU-a", "GPU-b"].map((uuid) => createWindowJudge({ uuid, series }));
    for (let n = 0; n < 4; n += 1) {
      expect(a!.window(body(n), span(n))).toEqual([]);
      const found = b!.window(body(n), span(n));
      expect(codes(found)).toEqual(n < 2 ? [] : ["SERIES_IDENTICAL"]);
      if (n === 2)
        expect(found[0]?.evidence).toBe(
          `the last 3 windows are those of GPU-a, up to the one of its that ended at ${span(2).end_ms} ms`,
        );
    }
  });
});
