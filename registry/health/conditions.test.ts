import { describe, expect, it } from "vitest";
import type { TelemetryBody } from "../../protocol/report/schema.js";
import { foldBench } from "../testing/foldBench.js";
import { conditions } from "./conditions.js";
import { healthPolicies } from "./policy.js";

const device = "d1".repeat(32);
const ecc = (dram_uncorrectable: number | null): TelemetryBody["ecc_volatile"] => ({
  sram_correctable: 5,
  sram_uncorrectable: dram_uncorrectable === null ? null : 0,
  dram_correctable: 7,
  dram_uncorrectable,
});
const rows = (pending: boolean | null, failure: boolean | null): TelemetryBody["remapped_rows"] => ({
  correctable: 1,
  uncorrectable: 1,
  pending,
  failure,
});
const util = (mean: number) => ({ min: 0, mean, max: 1000 });

/** Each minute's report, `count` of them, and the state after each; the same again in a row is given once. */
const states = (...runs: [count: number, change: Partial<TelemetryBody>][]): string[] => {
  const bench = foldBench(healthPolicies.standard);
  bench.enrol(device);
  const seen: string[] = [];
  let minutes = 0;
  for (const [count, change] of runs) {
    for (let i = 0; i < count; i += 1) {
      bench.report(device, 1, change);
      minutes += 1;
      const state = bench.state(device);
      if (seen.at(-1)?.split("@")[0] !== state) seen.push(`${state}@${minutes}`);
    }
  }
  return seen;
};

describe("each condition, raised and cured (minutes of reports)", () => {
  it.each<[string, [number, Partial<TelemetryBody>][], string[]]>([
    [
      "lost",
      [
        [1, {}],
        [1, { presence: "lost" }],
        [9, {}],
      ],
      ["healthy/none@1", "lost/gpu_lost@2", "healthy/none@7"],
    ],
    [
      "missing",
      [
        [1, { presence: "missing" }],
        [9, {}],
      ],
      ["lost/gpu_missing@1", "healthy/none@6"],
    ],
    [
      "remap failure",
      [
        [1, { remapped_rows: rows(false, true) }],
        [9, { remapped_rows: rows(false, false) }],
      ],
      ["impaired/row_remap_failure@1", "healthy/none@6"],
    ],
    [
      "remap pending",
      [
        [1, { remapped_rows: rows(true, false) }],
        [9, { remapped_rows: rows(false, false) }],
      ],
      ["watch/row_remap_pending@1", "healthy/none@6"],
    ],
    [
      "recovery action",
      [
        [1, { recovery_action: "drain_and_reset" }],
        [9, {}],
      ],
      ["watch/recovery_action@1", "healthy/none@6"],
    ],
    [
      "uncorrectable errors",
      [
        [1, { ecc_volatile: ecc(1) }],
        [40, { ecc_volatile: ecc(0) }],
      ],
      ["impaired/ecc_uncorrectable@1", "healthy/none@31"],
    ],
    [
      "no answer, only after three minutes",
      [
        [5, { presence: "probe_timeout" }],
        [9, {}],
      ],
      ["healthy/none@1", "watch/probe_timeout@3", "healthy/none@8"],
    ],
    [
      "no answer for two minutes is nothing",
      [
        [2, { presence: "probe_timeout" }],
        [9, {}],
      ],
      ["healthy/none@1"],
    ],
    [
      "idle for six hours",
      [
        [400, { util_permille: util(49) }],
        [70, { util_permille: util(150) }],
      ],
      ["healthy/none@1", "watch/utilization_low@360", "healthy/none@460"],
    ],
    [
      "idle for less is nothing",
      [
        [359, { util_permille: util(0) }],
        [1, { util_permille: util(50) }],
        [359, { util_permille: util(0) }],
      ],
      ["healthy/none@1"],
    ],
    [
      "SM activity decides where it is known",
      [[361, { util_permille: util(1000), sm_activity_permille: util(10) }]],
      ["healthy/none@1", "watch/utilization_low@360"],
    ],
  ])("%s", (_, runs, expected) => {
    expect(states(...runs)).toEqual(expected);
  });

  it.each<[string, [number, Partial<TelemetryBody>][]]>([
    [
      "in the band between, idleness is neither raised",
      [
        [300, { util_permille: util(10) }],
        [1, { util_permille: util(100) }],
        [300, { util_permille: util(10) }],
      ],
    ],
    ["and unknown utilization is not idleness", [[400, { util_permille: null }]]],
    ["corrected errors are no fault", [[5, { ecc_volatile: { ...ecc(0)!, dram_correctable: 10_000 } }]]],
    [
      "a card without ECC and remapping has no such faults",
      [[5, { ecc_volatile: null, ecc_aggregate: null, remapped_rows: null, recovery_action: null }]],
    ],
    [
      "nor one whose driver leaves the flags out",
      [[5, { ecc_volatile: ecc(null), remapped_rows: rows(null, null) }]],
    ],
  ])("%s", (_, runs) => {
    expect(states(...runs)).toEqual(["healthy/none@1"]);
  });

  it("is not cured in the hysteresis band, nor by values that are not told", () => {
    const low: [number, Partial<TelemetryBody>] = [360, { util_permille: util(0) }];
    const raised = ["healthy/none@1", "watch/utilization_low@360"];
    expect(states(low, [120, { util_permille: util(149) }])).toEqual(raised);
    expect(states(low, [120, { util_permille: null }])).toEqual(raised);
    // The cure starts over when the band is touched.
    const touched: [number, Partial<TelemetryBody>][] = [
      [59, { util_permille: util(800) }],
      [1, { util_permille: util(100) }],
      [59, { util_permille: util(800) }],
    ];
    expect(states(low, ...touched)).toEqual(raised);
    const remapped = [1, { remapped_rows: rows(false, true) }] as [number, Partial<TelemetryBody>];
    expect(states(remapped, [20, { remapped_rows: null }])).toEqual(["impaired/row_remap_failure@1"]);
  });

  it("starts the cure over with each relapse", () => {
    const lost: [number, Partial<TelemetryBody>] = [1, { presence: "lost" }];
    expect(states(lost, [4, {}], lost, [4, {}], lost, [5, {}])).toEqual([
      "lost/gpu_lost@1",
      "healthy/none@16",
    ]);
  });

  it("sees through a driver reload: volatile counters fall to zero, the aggregate has risen", () => {
    const before = { ecc_volatile: ecc(0), ecc_aggregate: ecc(2) };
    const reloaded = { ecc_volatile: ecc(0), ecc_aggregate: ecc(3) };
    expect(states([3, before], [1, reloaded], [35, reloaded])).toEqual([
      "healthy/none@1",
      "impaired/ecc_uncorrectable@4",
      "healthy/none@34",
    ]);
    // An old count of a used card is no new error, nor is one that is not told for a while and then the same.
    expect(states([3, before], [2, { ecc_aggregate: null }], [3, before])).toEqual(["healthy/none@1"]);
    // Hidden for a while, and risen meanwhile.
    expect(states([3, before], [2, { ecc_aggregate: null }], [1, reloaded])).toEqual([
      "healthy/none@1",
      "impaired/ecc_uncorrectable@6",
    ]);
  });

  it("names value and threshold in its event", () => {
    const bench = foldBench(healthPolicies.standard);
    bench.enrol(device);
    bench.report(device, 360, { util_permille: util(31) });
    expect(bench.health(device).at(-1)?.data).toMatchObject({
      previous: "healthy",
      current: "watch",
      cause: "utilization_low",
      value: 31,
      threshold: 50,
      evidence: bench.fold(device).head?.statement,
    });
  });
});

it("looks at the worst conditions first", () => {
  const rank = { lost: 0, impaired: 1, watch: 2 } as Record<string, number>;
  const ranks = conditions.map(({ state }) => rank[state]!);
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
});
