import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { busyTelemetry } from "../../test/support/testReports.js";
import type { TelemetryBody } from "../report/schema.js";
import { judgeTelemetry } from "./judgeTelemetry.js";
import { rememberTelemetry } from "./rememberTelemetry.js";
import type { InventoryClaims, TelemetryBefore, Window } from "./telemetryRule.js";

const minute = 60_000;
const window: Window = { start_ms: minute, end_ms: 2 * minute };
const h100: InventoryClaims = {
  name: "NVIDIA H100 80GB HBM3",
  pci_device_id: "0x233010DE",
  fb_total_mib: 81_559,
  sm_clock_max_mhz: 1980,
  power_limit_mw: 700_000,
  pcie_gen_max: 5,
  pcie_width_max: 16,
};
const busy: TelemetryBody = { ...busyTelemetry, present_ms: minute, energy_mj: "139307200" };
const then: TelemetryBefore = {
  window: { start_ms: 0, end_ms: minute },
  body: { ...busy, energy_mj: "100000000" },
};
type Case = {
  body?: Partial<TelemetryBody>;
  before?: Partial<TelemetryBefore["body"]> | null;
  window?: Window;
  before_window?: Window;
  inventory?: Partial<InventoryClaims> | null;
};
const found = (change: Case) =>
  judgeTelemetry({
    body: { ...busy, ...change.body },
    window: change.window ?? window,
    before:
      change.before === null
        ? null
        : { window: change.before_window ?? then.window, body: { ...then.body, ...change.before } },
    inventory: change.inventory === null ? null : { ...h100, ...change.inventory },
  });
const flat = (value: number) => ({ min: value, mean: value, max: value });
const around = (mean: number, by = 3000) => ({ min: mean - by, mean, max: mean + by });
const ecc = (change: object) => ({ ...busy.ecc_aggregate!, ...change });
const rows = (correctable: number, uncorrectable: number) => ({
  correctable,
  uncorrectable,
  pending: false,
  failure: false,
});
const energyFor = (mj: number) => String(100_000_000 + mj);

describe("judgeTelemetry", () => {
  it("has nothing against a busy GPU, nor against an idle one", () => {
    expect(found({})).toEqual([]);
    const idle = {
      util_permille: flat(0),
      fb_used_mib: flat(4),
      power_mw: flat(69_850),
      sm_clock_mhz: flat(345),
    };
    expect(found({ body: { ...idle, energy_mj: energyFor(4_191_000) } })).toEqual([]);
  });

  it.each<[string, string, Case, string]>([
    [
      "a mean above the largest",
      "STAT_OUT_OF_ORDER",
      { body: { temp_mc: { min: 1, mean: 9, max: 5 } } },
      "temp_mc",
    ],
    [
      "a smallest above the mean",
      "STAT_OUT_OF_ORDER",
      { body: { util_permille: { min: 950, mean: 900, max: 990 } } },
      "950",
    ],
    [
      "present for longer than the window",
      "PRESENT_BEYOND_WINDOW",
      { body: { present_ms: minute + 1 } },
      "60.0 s",
    ],
    [
      "lost throughout, and readings that move",
      "READINGS_WHILE_ABSENT",
      { body: { presence: "lost", present_ms: 0 } },
      "lost",
    ],
    [
      "high utilization at idle power",
      "BUSY_AT_IDLE_POWER",
      { body: { power_mw: around(71_000), energy_mj: energyFor(4_260_000) } },
      "94.7 %",
    ],
    [
      "high SM activity at idle power",
      "BUSY_AT_IDLE_POWER",
      {
        body: {
          util_permille: null,
          sm_activity_permille: flat(500),
          power_mw: around(77_000),
          energy_mj: null,
        },
      },
      "77.0 W",
    ],
    [
      "SM active with no memory used",
      "BUSY_WITHOUT_MEMORY",
      { body: { sm_activity_permille: flat(200), fb_used_mib: flat(63) } },
      "63 MiB",
    ],
    ["utilization with no memory used", "BUSY_WITHOUT_MEMORY", { body: { fb_used_mib: flat(0) } }, "0 MiB"],
    ["power that stands still under load", "READINGS_FROZEN", { body: { power_mw: flat(655_120) } }, "655 W"],
    [
      "energy of an idle GPU under a loaded one's power",
      "ENERGY_NOT_OF_POWER",
      { body: { energy_mj: energyFor(4_200_000) } },
      "4200 J",
    ],
    ["energy that stands still", "ENERGY_NOT_OF_POWER", { body: { energy_mj: energyFor(0) } }, "0 J"],
    [
      "more energy than was drawn",
      "ENERGY_NOT_OF_POWER",
      { body: { energy_mj: energyFor(60_000_000) } },
      "60000 J",
    ],
    [
      "power that no such GPU takes",
      "POWER_ABOVE_LIMIT",
      { body: { power_mw: around(876_000), energy_mj: null } },
      "876 W",
    ],
    ["a clock that no such GPU has", "CLOCK_ABOVE_MAX", { body: { sm_clock_mhz: flat(2100) } }, "2100 MHz"],
    ["a link above its most", "LINK_ABOVE_MAX", { body: { pcie_gen: 6 } }, "6"],
    ["lanes above its most", "LINK_ABOVE_MAX", { body: { pcie_width: 32 } }, "32"],
    [
      "more memory used than there is",
      "MEMORY_ABOVE_TOTAL",
      { body: { fb_used_mib: flat(81_560) } },
      "81560 MiB",
    ],
    [
      "energy back to more than a reload leaves",
      "COUNTER_WENT_BACK",
      { before: { energy_mj: "900000000" } },
      "139307 J",
    ],
    [
      "replays back with the GPU there all the time",
      "COUNTER_WENT_BACK",
      { before: { pcie_replays: 132 } },
      "from 132 to 131",
    ],
    [
      "corrected errors back with the GPU there all the time",
      "COUNTER_WENT_BACK",
      { before: { ecc_aggregate: ecc({ dram_correctable: 3 }) } },
      "nothing shows",
    ],
    [
      "uncorrectable errors back",
      "COUNTER_WENT_BACK",
      { before: { ecc_aggregate: ecc({ sram_uncorrectable: 1 }) } },
      "SRAM",
    ],
    ["remapped rows back", "COUNTER_WENT_BACK", { before: { remapped_rows: rows(0, 2) } }, "from 2 to 0"],
    [
      "remapped rows back, after a reload even",
      "COUNTER_WENT_BACK",
      {
        before: { remapped_rows: rows(1, 0), energy_mj: "900000000" },
        body: { energy_mj: "1000", present_ms: minute - 4000 },
      },
      "from 1 to 0",
    ],
  ])("%s: %s", (_, code, change, says) => {
    const all = found(change);
    expect(all.map(({ code: one }) => one)).toEqual([code]);
    expect(all[0]?.evidence).toContain(says);
    expect(all[0]!.evidence.length).toBeLessThanOrEqual(200);
  });

  const reloaded = { pcie_replays: 500, ecc_aggregate: ecc({ dram_correctable: 9 }) };
  it.each<[string, Case]>([
    ["the first window of a chain", { before: null }],
    ["nothing known of the GPU", { inventory: null }],
    [
      "a GPU that tells nothing",
      {
        body: {
          util_permille: null,
          mem_util_permille: null,
          fb_used_mib: null,
          power_mw: null,
          temp_mc: null,
          sm_clock_mhz: null,
          energy_mj: null,
          pcie_gen: null,
          pcie_width: null,
          pcie_replays: null,
          ecc_aggregate: null,
          remapped_rows: null,
        },
      },
    ],
    [
      "one reading in a window of failures",
      {
        body: { presence: "probe_timeout", present_ms: 0, util_permille: flat(950), power_mw: flat(655_000) },
      },
    ],
    ["a GPU lost in mid-window, readings from before", { body: { presence: "lost", present_ms: 30_000 } }],
    ["a busy GPU just above idle power", { body: { power_mw: around(77_100), energy_mj: null } }],
    [
      "half busy is not high",
      { body: { util_permille: flat(499), power_mw: around(70_000), energy_mj: null } },
    ],
    ["a load that has only begun", { body: { samples: 4, power_mw: around(70_000), energy_mj: null } }],
    [
      "a model whose idle power nobody recorded",
      {
        body: {
          power_mw: around(20_000, 500),
          energy_mj: null,
          sm_clock_mhz: flat(1590),
          pcie_gen: 3,
          fb_used_mib: flat(1032),
        },
        inventory: { name: "Tesla T4", pci_device_id: "1EB810DE" },
      },
    ],
    ["a context and no more in memory", { body: { fb_used_mib: flat(64) } }],
    ["a display's load", { body: { util_permille: flat(199), fb_used_mib: flat(0) } }],
    [
      "idle power that stands still",
      { body: { util_permille: flat(299), power_mw: flat(69_000), energy_mj: null } },
    ],
    ["one reading that stands still", { body: { power_mw: flat(655_120), present_ms: 20_000 } }],
    ["energy at the edge of what was drawn, below", { body: { energy_mj: energyFor(24_766_000) } }],
    ["energy at the edge of what was drawn, above", { body: { energy_mj: energyFor(55_614_000) } }],
    [
      "energy over time that nobody watched",
      { body: { energy_mj: energyFor(300_000_000) }, before_window: { start_ms: 0, end_ms: minute - 5000 } },
    ],
    [
      "energy over a moment",
      {
        body: { energy_mj: energyFor(0), present_ms: 4000 },
        window: { start_ms: minute, end_ms: minute + 4000 },
      },
    ],
    [
      "energy that another source read some time ago",
      { body: { energy_mj: energyFor(0), supplied: [{ source: "dcgm", fields: ["energy_mj"] }] } },
    ],
    ["energy of a GPU that was away", { body: { energy_mj: energyFor(0), present_ms: 50_000 } }],
    [
      "spikes above the limit",
      { body: { power_mw: { min: 600_000, mean: 690_000, max: 900_000 }, energy_mj: null } },
    ],
    ["a step above the highest clock", { body: { sm_clock_mhz: flat(1995) } }],
    ["a link that has trained down", { body: { pcie_gen: 1, pcie_width: 8 } }],
    ["counters that stand still", { before: { ...busy, energy_mj: "100000000" } }],
    [
      "all that a reload starts anew, which energy shows",
      { before: { ...reloaded, energy_mj: "900000000" }, body: { energy_mj: "3000000" } },
    ],
    [
      "the same, which a moment away shows",
      { before: { ...reloaded, energy_mj: null }, body: { energy_mj: null, present_ms: minute - 1000 } },
    ],
    [
      "the same, which time that nobody watched shows",
      {
        before: { ...reloaded, energy_mj: null },
        body: { energy_mj: null },
        before_window: { start_ms: 0, end_ms: minute - 1001 },
      },
    ],
    [
      "the same, after a loss",
      { before: { ...reloaded, presence: "lost", energy_mj: null }, body: { energy_mj: null } },
    ],
    [
      "counters that were not told before",
      { before: { pcie_replays: null, ecc_aggregate: null, remapped_rows: null } },
    ],
    [
      "volatile errors gone after a reset",
      { body: { ecc_volatile: { ...busy.ecc_volatile!, dram_uncorrectable: 0 } } },
    ],
  ])("%s: nothing", (_, change) => {
    expect(found(change)).toEqual([]);
  });

  it("an unknown id beside a known name does not shake off the model's figures", () => {
    const body = { power_mw: around(71_000), energy_mj: null };
    const inventory = { pci_device_id: "0xFFFF10DE" };
    expect(found({ body, inventory }).map(({ code }) => code)).toEqual(["BUSY_AT_IDLE_POWER"]);
    expect(found({ body, inventory: { ...inventory, name: "X" } })).toEqual([]);
  });

  it("counters that were left out for a while are held against what they were before", () => {
    const none = { ...busy, ecc_aggregate: null, remapped_rows: null };
    const half = { ...busy, ecc_aggregate: { ...ecc({}), dram_uncorrectable: null } };
    let before = rememberTelemetry(
      null,
      { ...busy, remapped_rows: rows(0, 2), ecc_aggregate: ecc({ dram_uncorrectable: 4 }) },
      window,
    );
    for (const body of [none, half, none]) before = rememberTelemetry(before, body, window);
    expect(before.body.remapped_rows?.uncorrectable).toBe(0);
    expect(before.body.ecc_aggregate).toEqual(ecc({ dram_uncorrectable: 4 }));
    const after = { ...busy, ecc_aggregate: ecc({ dram_uncorrectable: 0 }) };
    expect(judgeTelemetry({ body: after, window, before, inventory: null })[0]?.evidence).toContain(
      "from 4 to 0",
    );
  });

  it("takes whatever the schema lets through", () => {
    const huge = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const stat = fc.option(fc.record({ min: huge, mean: huge, max: huge }));
    fc.assert(
      fc.property(
        stat,
        stat,
        stat,
        fc.option(fc.constantFrom("0", "18446744073709551615", "5")),
        huge,
        (a, b, c, energy_mj, present_ms) => {
          const body = {
            ...busy,
            util_permille: a,
            power_mw: b,
            fb_used_mib: c,
            sm_clock_mhz: a,
            temp_mc: b,
            energy_mj,
            present_ms,
          };
          for (const before of [null, then]) {
            for (const { code, evidence } of judgeTelemetry({ body, window, before, inventory: h100 })) {
              expect(code).toMatch(/^[A-Z0-9_]{1,48}$/);
              expect(evidence).toMatch(/^.{1,200}$/);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
