import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { busyTelemetry } from "../../test/support/testReports.js";
import { foldBench, gapBody } from "../testing/foldBench.js";
import { cutIntoBuckets, emptyShare, lateness_ms, shareKeys, type TimeShare } from "./account.js";

const minute = 60_000;
const device = "d1".repeat(32);

describe("cutIntoBuckets", () => {
  const share = fc
    .tuple(...shareKeys.map(() => fc.integer({ min: 0, max: 60_000_000_000_000 })))
    .map((values) => Object.fromEntries(shareKeys.map((key, i) => [key, values[i]!])) as TimeShare);

  it("gives parts that add up to the whole exactly, each in the bucket of its time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000_000_000 }),
        fc.integer({ min: 0, max: 200 * minute }),
        fc.constantFrom(minute, 60 * minute),
        share,
        (start_ms, length, bucket, whole) => {
          const end_ms = start_ms + length;
          const cuts = cutIntoBuckets({ start_ms, end_ms, share: whole }, bucket);
          const sum = emptyShare();
          for (const cut of cuts) for (const key of shareKeys) sum[key] += cut.share[key];
          expect(sum).toEqual(whole);
          expect(cuts.every((cut) => shareKeys.every((key) => cut.share[key] >= 0))).toBe(true);
          expect(cuts.map(({ bucket_ms }) => bucket_ms)).toEqual(
            Array.from(
              { length: cuts.length },
              (_, i) => Math.floor(start_ms / bucket) * bucket + i * bucket,
            ),
          );
          const last = cuts.at(-1)!.bucket_ms;
          expect(end_ms).toBeLessThanOrEqual(last + bucket);
          if (length > 0) expect(end_ms).toBeGreaterThan(last);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("never puts more of a millisecond quantity into a bucket than the bucket has of the stretch", () => {
    fc.assert(
      fc.property(fc.nat(10 * minute), fc.integer({ min: 1, max: 10 * minute }), (start_ms, length) => {
        const cuts = cutIntoBuckets(
          { start_ms, end_ms: start_ms + length, share: { ...emptyShare(), proven_ms: length } },
          minute,
        );
        for (const { bucket_ms, share: part } of cuts) {
          const inside = Math.min(bucket_ms + minute, start_ms + length) - Math.max(bucket_ms, start_ms);
          expect(part.proven_ms).toBe(inside);
        }
      }),
    );
  });
});

describe("lateness", () => {
  it.each<[string, number, number, [number, number][], number]>([
    ["with no outage", 100, 400, [], 300],
    ["an outage within", 100, 400, [[150, 250]], 200],
    [
      "outages at both edges count by their overlap",
      100,
      400,
      [
        [0, 150],
        [350, 900],
      ],
      200,
    ], // prettier-ignore
    [
      "an outage beside it counts for nothing",
      100,
      400,
      [
        [0, 100],
        [400, 500],
      ],
      300,
    ],
    ["all of it the registry's", 100, 400, [[0, 1000]], 0],
  ])("%s", (_, end_ms, received_ms, outages, expected) => {
    const list = outages.map(([from_ms, to_ms]) => ({ from_ms, to_ms }));
    expect(lateness_ms(end_ms, received_ms, list)).toBe(expected);
  });
});

describe("what a report accounts for", () => {
  const start = () => {
    const bench = foldBench();
    bench.enrol(device);
    return bench;
  };
  const told = (bench: ReturnType<typeof start>) => {
    const sum = emptyShare();
    for (const { share } of bench.stretches) for (const key of shareKeys) sum[key] += share[key];
    return sum;
  };

  it("splits a window into proven and absent time, and weighs utilization by the proven", () => {
    const bench = start();
    bench.pass(minute, minute);
    bench.telemetry(device, { presence: "lost", present_ms: 45_000 });
    expect(told(bench)).toEqual({
      ...emptyShare(),
      proven_ms: 45_000,
      absent_ms: 15_000,
      util_ms: 45_000,
      util_permille_ms: 45_000 * 947,
      power_ms: 45_000,
      power_mw_ms: 45_000 * 655_120,
    });
  });

  it("counts SM activity where it is known, and nothing where neither is", () => {
    const bench = start();
    bench.pass(minute, minute);
    bench.telemetry(device, { sm_activity_permille: { min: 0, mean: 100, max: 200 } });
    bench.pass(minute, minute);
    bench.telemetry(device, { util_permille: null, power_mw: null });
    expect(told(bench)).toMatchObject({
      proven_ms: 2 * minute,
      util_ms: minute,
      util_permille_ms: minute * 100,
    });
    expect(told(bench).power_ms).toBe(minute);
  });

  it("believes no more presence than the window has time, and no power beyond reason", () => {
    const bench = start();
    bench.pass(minute, minute);
    const power_mw = { min: 0, mean: Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
    bench.telemetry(device, { present_ms: Number.MAX_SAFE_INTEGER, power_mw });
    expect(told(bench)).toMatchObject({ proven_ms: minute, absent_ms: 0, power_mw_ms: minute * 100_000_000 });
  });

  it("takes what comes more than 15 minutes late for late: no uptime, no utilization", () => {
    const bench = start();
    const end_ms = bench.now() + minute;
    const report = bench.next(device, "telemetry", telemetryOf(minute), { start_ms: bench.now(), end_ms });
    bench.pass(16 * minute + 1, minute);
    bench.put(report);
    expect(bench.windows).toEqual([{ seq: 0, standing: "late" }]);
    expect(told(bench)).toEqual({ ...emptyShare(), late_ms: minute });
  });

  it("still takes exactly 15 minutes for in time", () => {
    const bench = start();
    const report = bench.next(device, "telemetry", telemetryOf(minute), {
      start_ms: bench.now(),
      end_ms: bench.now() + minute,
    });
    bench.pass(16 * minute, minute);
    bench.put(report);
    expect(bench.windows).toEqual([{ seq: 0, standing: "proven" }]);
  });

  it("does not hold the registry's own outage against the sender", () => {
    const bench = start();
    const report = bench.next(device, "telemetry", telemetryOf(minute), {
      start_ms: bench.now(),
      end_ms: bench.now() + minute,
    });
    bench.pass(minute, minute);
    bench.down(3 * 60 * minute);
    bench.put(report);
    expect(bench.outages).toHaveLength(1);
    expect(bench.windows).toEqual([{ seq: 0, standing: "proven" }]);
  });

  it("counts no time before enrolment", () => {
    const bench = start();
    const enrolled_ms = bench.now();
    bench.pass(minute, minute);
    bench.put(
      bench.next(device, "gap", gapBody(0, enrolled_ms + minute), {
        start_ms: 0,
        end_ms: enrolled_ms + minute,
      }),
    );
    expect(told(bench)).toEqual({ ...emptyShare(), gap_ms: minute });
    const other = start();
    const before = { start_ms: other.now() - 2 * minute, end_ms: other.now() - minute };
    other.put(other.next(device, "telemetry", telemetryOf(minute), before));
    expect(told(other)).toEqual(emptyShare());
  });

  it("tells paused time within a gap from the rest of it", () => {
    const bench = start();
    bench.report(device, 1);
    const from_ms = bench.now();
    const until_ms = from_ms + 30 * minute;
    bench.put(bench.next(device, "pause", { from_ms, until_ms, reason: "work" }));
    bench.pass(45 * minute, minute);
    bench.stretches.length = 0;
    bench.put(bench.next(device, "gap", gapBody(from_ms, bench.now())));
    expect(told(bench)).toEqual({ ...emptyShare(), paused_ms: 30 * minute, gap_ms: 15 * minute });
    expect(bench.stretches.map(({ start_ms, end_ms }) => [start_ms, end_ms])).toEqual([
      [from_ms, until_ms],
      [until_ms, bench.now()],
    ]);
  });
});

function telemetryOf(present_ms: number) {
  return { ...busyTelemetry, present_ms };
}
