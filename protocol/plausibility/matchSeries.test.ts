import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { busyTelemetry } from "../../test/support/testReports.js";
import type { TelemetryBody } from "../report/schema.js";
import {
  createSeriesMemory,
  indexSeries,
  markOf,
  matchSeries,
  type SeriesIndex,
  type SeriesMemory,
} from "./matchSeries.js";
import { seriesKey } from "./seriesKey.js";

function fleet() {
  const memories = new Map<string, SeriesMemory>();
  const index: SeriesIndex = new Map();
  return {
    memories,
    index,
    tell(device: string, key: number, mark = key) {
      const memory = memories.get(device) ?? createSeriesMemory();
      memories.set(device, memory);
      return matchSeries(memory, index, device, key, mark);
    },
  };
}

describe("seriesKey", () => {
  it("is one for equal windows, whatever else they say", () => {
    const key = seriesKey(busyTelemetry);
    expect(Number.isSafeInteger(key)).toBe(true);
    expect(
      seriesKey({ ...busyTelemetry, samples_root: "00".repeat(32), pcie_replays: 1, present_ms: 5 }),
    ).toBe(key);
  });

  it("changes with any statistic, by as little as there is", () => {
    const names = [
      "util_permille",
      "mem_util_permille",
      "fb_used_mib",
      "power_mw",
      "temp_mc",
      "sm_clock_mhz",
    ] as const;
    const keys = new Set([
      seriesKey(busyTelemetry),
      seriesKey({ ...busyTelemetry, sm_activity_permille: { min: 1, mean: 2, max: 3 } }),
    ]);
    for (const name of names) {
      for (const part of ["min", "mean", "max"] as const) {
        const stat = busyTelemetry[name]!;
        keys.add(seriesKey({ ...busyTelemetry, [name]: { ...stat, [part]: stat[part] + 1 } }));
      }
    }
    expect(keys.size).toBe(2 + 3 * names.length);
  });

  it.each<[string, Partial<TelemetryBody>]>([
    ["power is not told", { power_mw: null }],
    ["power hardly moves: idle GPUs are alike", { power_mw: { min: 69_000, mean: 70_000, max: 73_999 } }],
    ["there are few samples", { samples: 7 }],
  ])("is none where %s", (_, change) => {
    expect(seriesKey({ ...busyTelemetry, ...change })).toBeNull();
  });

  it("does not meet by chance", () => {
    const keys = new Set<number | null>();
    for (let mean = 0; mean < 200_000; mean += 1) {
      keys.add(
        seriesKey({
          ...busyTelemetry,
          power_mw: { min: 600_000, mean: 620_000 + (mean % 500), max: 690_000 + Math.floor(mean / 500) },
        }),
      );
    }
    // 31 bits among 200,000: about nine pairs by chance.
    expect(keys.size).toBeGreaterThan(199_950);
  });
});

describe("matchSeries", () => {
  it("names the device that told the same windows first, once they are three in a row", () => {
    const { tell } = fleet();
    for (const key of [1, 2, 3, 4]) expect(tell("a", key)).toBeNull();
    expect([1, 2, 3, 4].map((key) => tell("b", key))).toEqual([
      null,
      null,
      { device: "a", run: 3 },
      { device: "a", run: 4 },
    ]);
  });

  it("sees a copy told window by window with the original", () => {
    const { tell } = fleet();
    const seen = [1, 2, 3].map((key) => [tell("a", key), tell("b", key)]);
    expect(seen.flat().filter((match) => match !== null)).toEqual([{ device: "a", run: 3 }]);
  });

  it("forgets a run that ends", () => {
    const { tell } = fleet();
    for (const key of [1, 2, 3, 4]) tell("a", key);
    expect([1, 2, 99, 3, 4].map((key) => tell("b", key))).toEqual([null, null, null, null, null]);
    tell("a", 5);
    expect(tell("b", 5)).toEqual({ device: "a", run: 3 });
  });

  it("says where the first one told it, for as long as that is remembered", () => {
    const { tell, memories } = fleet();
    for (const key of [1, 2, 3, 4, 5]) tell("a", key, key * 10);
    const memory = memories.get("a")!;
    expect([1, 2, 5, 9].map((key) => markOf(memory, key))).toEqual([null, 20, 50, null]);
  });

  it("wants one other device, not several", () => {
    const { tell } = fleet();
    tell("a", 1);
    tell("c", 2);
    tell("a", 3);
    expect([1, 2, 3].map((key) => tell("b", key))).toEqual([null, null, null]);
  });

  it("takes a series that stands still for nobody's", () => {
    const { tell } = fleet();
    for (let i = 0; i < 9; i += 1) {
      expect(tell("a", 1)).toBeNull();
      expect(tell("b", 1)).toBeNull();
    }
  });

  it("remembers four windows a device, and its index no more than they do", () => {
    const key = fc.integer({ min: 0, max: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), key), { maxLength: 200 }), (told) => {
        const { tell, memories, index } = fleet();
        for (const [device, one] of told) tell(device, one);
        for (const memory of memories.values()) expect(memory.keys.length).toBeLessThanOrEqual(4);
        // What a start makes of the memories is what was there before it.
        expect([...indexSeries(memories)].sort()).toEqual([...index].sort());
      }),
      { numRuns: 200 },
    );
  });
});
