import { describe, expect, it } from "vitest";
import { noReading } from "../noReading.js";
import { fastFields } from "./fastFields.js";
import type { GpuReading } from "./gpuReading.js";
import { createGpuTable } from "./gpuTable.js";
import { parseCsvRow } from "./parseCsvRow.js";

const uuids = [0, 1, 2].map((n) => `GPU-00000000-0000-0000-0000-00000000000${n}`);
const at = { now_ms: 5, mono_ms: 7 };
const reading = (n: number, change: Partial<GpuReading> = {}): GpuReading => ({
  uuid: uuids[n]!,
  bus_id: `00000000:0${n}:00.0`,
  presence: "present",
  inventory: { index: n, name: "NVIDIA H100", fb_total_mib: 81_559 } as GpuReading["inventory"],
  fast: { ...noReading.fast, temp_mc: 40_000 },
  health: { ...noReading.health, recovery_action: "none", pcie_replays: n },
  ...change,
});
const lost = (n: number) =>
  reading(n, { presence: "lost", inventory: { index: n } as GpuReading["inventory"], ...noReading });
const row = (n: number, temperature = "41") => {
  const cells: Record<string, string> = {
    uuid: uuids[n]!,
    "pci.bus_id": `00000000:0${n}:00.0`,
    "temperature.gpu": temperature,
    "ecc.errors.uncorrected.volatile.dram": String(n),
  };
  return parseCsvRow(fastFields.map((field) => cells[field] ?? "[N/A]").join(", "), fastFields)!;
};
const whole = { whole: true, form: "xml", mono_ms: 0 } as const;
const some = { ...whole, whole: false };
const round = (...rows: ReturnType<typeof row>[]) => new Map(rows.map((r) => [r.uuid!, r]));

describe("createGpuTable", () => {
  it("joins the stream with the last full reading; the stream is newer", () => {
    const table = createGpuTable([], 1000);
    expect(table.apply([reading(0), reading(2)], whole)).toBe(true);
    expect(table.apply([reading(0), reading(2)], whole)).toBe(false);
    const [first, third] = table.samplesOf(round(row(0), row(2)), at);
    expect(first).toMatchObject({ uuid: uuids[0], presence: "present", at_ms: 5, at_mono_ms: 7 });
    expect(third).toMatchObject({
      fast: { temp_mc: 41_000 },
      health: { pcie_replays: 2, recovery_action: "none", ecc_volatile: { dram_uncorrectable: 2 } },
    });
  });

  it("tells missing from lost, and either from silence", () => {
    const table = createGpuTable([uuids[2]!], 1000);
    table.apply([reading(0), lost(1)], whole);
    const samples = table.samplesOf(round(row(0, "[GPU is lost]")), at);
    expect(Object.fromEntries(samples.map(({ uuid, presence }) => [uuid, presence]))).toEqual({
      [uuids[0]!]: "lost",
      [uuids[1]!]: "lost",
      [uuids[2]!]: "missing",
    });
    for (const { fast, health } of samples) expect({ fast, health }).toEqual(noReading);
    const silent = table.silentSamples(at).map(({ uuid, presence }) => [uuid, presence]);
    expect(Object.fromEntries(silent)).toEqual({
      [uuids[0]!]: "probe_timeout",
      [uuids[1]!]: "lost",
      [uuids[2]!]: "probe_timeout",
    });
  });

  it("a lost GPU's description stays as it was", () => {
    const table = createGpuTable([], 1000);
    table.apply([reading(0), reading(1)], whole);
    expect(table.apply([reading(0), lost(1)], whole)).toBe(false);
    expect(table.inventory()[1]).toMatchObject({ uuid: uuids[1], fb_total_mib: 81_559 });
  });

  it("finds a GPU whose UUID is unreadable by its address", () => {
    const table = createGpuTable([], 1000);
    table.apply([reading(0), reading(1)], whole);
    table.apply([reading(0), { ...lost(1), uuid: null }], whole);
    expect(table.samplesOf(round(row(0)), at)[1]).toMatchObject({ uuid: uuids[1], presence: "lost" });
    expect(table.resolve({ ...row(1), uuid: null })).toBe(uuids[1]);
  });

  it("strangers are not known before a full reading shows them", () => {
    const table = createGpuTable([], 1000);
    expect(table.resolve(row(0))).toBeNull();
    table.apply([reading(0)], whole);
    expect(table.resolve(row(0))).toBe(uuids[0]);
  });

  it("a GPU that a whole reading lacks leaves the inventory and stays known as missing", () => {
    const table = createGpuTable([], 1000);
    table.apply([reading(0), reading(1)], whole);
    expect(table.apply([reading(0)], whole)).toBe(true);
    expect(table.inventory().map(({ uuid }) => uuid)).toEqual([uuids[0]]);
    expect(table.samplesOf(round(row(0)), at)[1]).toMatchObject({ uuid: uuids[1], presence: "missing" });
  });

  it("asks around a GPU that keeps the driver from answering, and keeps NVML's order", () => {
    const table = createGpuTable([], 1000);
    table.apply([reading(0), reading(1), reading(2)], whole);
    const said = "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error";
    expect(table.noteLost(said)).toEqual(["00000000:01:00.0"]);
    expect(
      table.noteLost("Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost."),
    ).toHaveLength(1);
    expect(table.noteLost("nothing of the kind")).toEqual([]);
    expect(table.askable()).toEqual([uuids[0], uuids[2]]);
    const second = reading(2);
    table.apply([reading(0), { ...second, inventory: { ...second.inventory, index: 1 } }], some);
    expect(table.inventory().map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(table.samplesOf(round(row(0), row(2)), at)[1]).toMatchObject({ presence: "lost" });
  });

  it("an address that another GPU has taken names that one", () => {
    const table = createGpuTable([], 1000);
    table.apply([reading(0), reading(1)], whole);
    // GPU 1 is gone; GPU 2 stands in its slot.
    table.apply([reading(0), reading(2, { bus_id: "00000000:01:00.0" })], whole);
    expect(table.resolve({ ...row(2), uuid: null, bus_id: "00000000:01:00.0" })).toBe(uuids[2]);
    table.noteLost("Unable to determine the device handle for GPU0000:01:00.0: Unknown Error");
    expect(table.samplesOf(round(row(0)), at).map(({ presence }) => presence)).toEqual([
      "present",
      "missing",
      "lost",
    ]);
    // The one that is gone is not asked for by name: nvidia-smi would give up on all.
    expect(table.askable()).toEqual([uuids[0]]);
  });

  it("what a full reading said of health grows stale; what the stream says does not", () => {
    const table = createGpuTable([], 1000);
    table.apply([reading(1)], { ...whole, mono_ms: 5000 });
    const health = (mono_ms: number) =>
      table.samplesOf(round(row(1)), { now_ms: 1, mono_ms }).map((sample) => sample.health)[0];
    expect(health(6000)).toMatchObject({ pcie_replays: 1, ecc_volatile: { dram_uncorrectable: 1 } });
    expect(health(6001)).toMatchObject({
      pcie_replays: null,
      recovery_action: null,
      ecc_volatile: { dram_uncorrectable: 1 },
    });
  });

  it("a reading by CSV leaves what only the XML tells", () => {
    const table = createGpuTable([], 1000);
    const described = (inventory: object) =>
      reading(0, { inventory: { index: 0, serial: "7", ...inventory } as GpuReading["inventory"] });
    table.apply([described({ pdi: "0x1", fb_total_mib: 5 })], whole);
    table.apply([described({ pdi: null, fb_total_mib: 6 })], { ...whole, form: "csv" });
    expect(table.inventory()[0]).toMatchObject({ serial: "7", pdi: "0x1", fb_total_mib: 6 });
    table.apply([described({ pdi: null })], whole);
    expect(table.inventory()[0]).toMatchObject({ pdi: null });
  });
});
