import { describe, expect, it } from "vitest";
import type { InventoryBody } from "../../protocol/report/schema.js";
import { foldBench } from "../testing/foldBench.js";

const device = "d1".repeat(32);
const other = "d2".repeat(32);
const minute = 60_000;
type HostFacts = NonNullable<InventoryBody["host"]>;
const machine = (change: Partial<HostFacts> = {}): HostFacts => ({
  machine_id: "aa".repeat(32),
  boot_id: "00".repeat(16),
  vendor: null,
  product: null,
  serial: "S1",
  board_serial: "B1",
  chassis_serial: null,
  bios_version: null,
  virtualization: "none",
  os: null,
  kernel: null,
  ...change,
});

/** Inventories of one GPU, one after the other; gives the findings that they led to. */
function shown(...inventories: Partial<InventoryBody>[]) {
  const bench = foldBench();
  bench.enrol(device);
  for (const one of inventories) bench.inventory(device, "GPU-a", one);
  return {
    bench,
    codes: bench.findings(device).map(({ data }) => data.code),
    texts: bench.findings(device).map(({ data }) => data.text),
  };
}

describe("what an inventory says other than the one before", () => {
  it.each<[string, string, Partial<InventoryBody>, Partial<InventoryBody>]>([
    ["another driver", "DRIVER_CHANGED", {}, { driver_version: "581.00" }],
    ["another VBIOS", "VBIOS_CHANGED", {}, { vbios_version: "00.00.00.00.02" }],
    ["another serial", "PART_CHANGED", { serial: "1" }, { serial: "2" }],
    ["another PDI", "PART_CHANGED", { pdi: `0x${"1".repeat(16)}` }, { pdi: `0x${"2".repeat(16)}` }],
    ["another part number", "PART_CHANGED", { gpu_part_number: "a" }, { gpu_part_number: "b" }],
    ["another memory size", "PART_CHANGED", {}, { fb_total_mib: 1 }],
    [
      "another machine",
      "MACHINE_CHANGED",
      { host: machine() },
      { host: machine({ machine_id: "bb".repeat(32) }) },
    ],
    ["another board", "MACHINE_CHANGED", { host: machine() }, { host: machine({ board_serial: "B2" }) }],
  ])("%s is told as %s, with both statements", (_, code, first, second) => {
    const { bench, codes, texts } = shown(first, {}, second);
    expect(codes).toContain(code);
    const statement = bench.fold(device).inventory!.statement;
    expect(texts[codes.indexOf(code)]).toMatch(new RegExp(`statement [0-9a-f]{64} against ${statement}$`));
    expect(bench.fold(device).dispute).toBeNull();
  });

  it("is not what it leaves out, nor slot, limits, kernel and boot; and leaving out forgets nothing", () => {
    const first = { host: machine(), serial: "1" };
    const { codes } = shown(
      first,
      { host: null, serial: null, vbios_version: null, driver_version: null },
      { ...first, index: 4, power_limit_mw: 1, host: machine({ boot_id: "11".repeat(16), kernel: "6" }) },
    );
    expect(codes).toEqual([]);
    expect(shown(first, { host: null, serial: null }, { ...first, serial: "2" }).codes).toEqual([
      "PART_CHANGED",
    ]);
  });

  it("shows no more of a value than tells it apart", () => {
    const { texts } = shown({ serial: "1".repeat(128) }, { serial: "2".repeat(128) });
    expect(texts[0]).toContain(`serial ${"1".repeat(48)} to ${"2".repeat(48)}:`);
  });
});

describe("a GPU that a host did not enrol with", () => {
  const set = () => {
    const bench = foldBench();
    bench.enrol(device, "h-1");
    bench.inventory(device, "GPU-a");
    return bench;
  };
  const codes = (bench: ReturnType<typeof set>, of: string) =>
    bench.findings(of).map(({ data }) => data.code);

  it("is told of both sides", () => {
    const bench = set();
    bench.pass(minute);
    bench.enrol(other, "h-1");
    bench.inventory(other, "GPU-b");
    expect([codes(bench, device), codes(bench, other)]).toEqual([
      ["HOST_GPUS_CHANGED"],
      ["HOST_GPUS_CHANGED"],
    ]);
    const { text } = bench.findings(device)[0]!.data;
    for (const one of [device, other]) expect(text).toContain(bench.fold(one).inventory!.statement);
    bench.inventory(other, "GPU-b");
    expect(bench.findings(other)).toHaveLength(1);
  });

  it("is nothing to another host", () => {
    const bench = set();
    bench.enrol(other, "h-2");
    bench.inventory(other, "GPU-b");
    expect([codes(bench, device), codes(bench, other)]).toEqual([[], []]);
  });
});
