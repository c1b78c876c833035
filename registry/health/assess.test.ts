import { describe, expect, it } from "vitest";
import { busyTelemetry } from "../../test/support/testReports.js";
import { foldBench, gapBody } from "../testing/foldBench.js";
import { healthPolicies } from "./policy.js";

const minute = 60_000;
const hour = 60 * minute;
const device = "d1".repeat(32);
const policy = healthPolicies.standard;
const uncorrectable = (count: number) => ({
  sram_correctable: 0,
  sram_uncorrectable: 0,
  dram_correctable: 0,
  dram_uncorrectable: count,
});
const failing = { correctable: 0, uncorrectable: 0, pending: false, failure: true };

const start = () => {
  const bench = foldBench(policy);
  bench.enrol(device);
  return bench;
};
const healthy = () => {
  const bench = start();
  bench.report(device, 1);
  expect(bench.state(device)).toBe("healthy/none");
  return bench;
};
const pause = (bench: ReturnType<typeof start>, from: number, until: number): void => {
  const body = { from_ms: bench.now() + from, until_ms: bench.now() + until, reason: "work" };
  bench.put(bench.next(device, "pause", body, { start_ms: bench.now(), end_ms: bench.now() }));
};

describe("silence", () => {
  it("begins stale: nothing is good until fresh evidence says so", () => {
    const bench = start();
    expect(bench.state(device)).toBe("stale/never_reported");
    bench.pass(hour, minute);
    bench.inventory(device, "GPU-1");
    expect(bench.state(device)).toBe("stale/never_reported");
    expect(bench.health(device)).toEqual([]);
    bench.report(device, 1);
    expect(bench.state(device)).toBe("healthy/none");
  });

  it("turns stale after five minutes without evidence, by ticks alone, and names the tick", () => {
    const bench = healthy();
    bench.pass(policy.stale_after_ms, 1000);
    expect(bench.state(device)).toBe("healthy/none");
    bench.pass(1000, 1000);
    expect(bench.state(device)).toBe("stale/device_silent");
    const { data } = bench.health(device).at(-1)!;
    expect(data).toMatchObject({
      value: 301_000,
      threshold: 300_000,
      evidence: expect.stringMatching(/^tick:/),
    });
    bench.report(device, 1);
    expect(bench.state(device)).toBe("healthy/none");
  });

  it("is broken by telemetry alone: a gap, an inventory or a pause's end proves nothing of now", () => {
    const bench = healthy();
    bench.pass(10 * minute);
    bench.put(bench.next(device, "gap", gapBody(bench.now() - minute, bench.now())));
    bench.inventory(device, "GPU-1");
    expect(bench.state(device)).toBe("stale/device_silent");
  });

  it("is not broken by a report that is older than silence may be", () => {
    const bench = healthy();
    const window = { start_ms: bench.now(), end_ms: bench.now() + minute };
    const old = bench.next(device, "telemetry", { ...busyTelemetry, present_ms: minute }, window);
    bench.pass(7 * minute);
    bench.put(old);
    // Six minutes late: in time for the record of uptime, and no sign of life.
    expect(bench.windows.at(-1)?.standing).toBe("proven");
    expect(bench.state(device)).toBe("stale/device_silent");
  });
});

describe("late reports", () => {
  it("cure nothing and prove nothing", () => {
    const bench = healthy();
    bench.telemetry(device, { presence: "lost", present_ms: 0 });
    expect(bench.state(device)).toBe("lost/gpu_lost");
    const good = { ...busyTelemetry, present_ms: 6 * minute };
    const window = { start_ms: bench.now(), end_ms: bench.now() + 6 * minute };
    const late = bench.next(device, "telemetry", good, window);
    bench.pass(22 * minute);
    const fresh_ms = bench.fold(device).fresh_ms;
    bench.put(late);
    expect(bench.windows.at(-1)?.standing).toBe("late");
    expect(bench.fold(device).conditions.gpu_lost?.active).toBe(true);
    expect(bench.fold(device).fresh_ms).toBe(fresh_ms);
    expect(bench.state(device)).toBe("stale/device_silent");
    bench.report(device, 1, { presence: "lost", present_ms: 0 });
    expect(bench.state(device)).toBe("lost/gpu_lost");
  });

  it("raise nothing either: what they show may have been made up since", () => {
    const bench = healthy();
    const window = { start_ms: bench.now(), end_ms: bench.now() + minute };
    const late = bench.next(device, "telemetry", { ...busyTelemetry, presence: "lost" }, window);
    bench.pass(17 * minute);
    bench.put(late);
    bench.report(device, 1);
    expect(bench.state(device)).toBe("healthy/none");
  });

  it("that fill an old gap say nothing of now", () => {
    const bench = healthy();
    const first = { start_ms: bench.now(), end_ms: bench.now() + minute };
    const fill = bench.next(device, "telemetry", { ...busyTelemetry, presence: "lost" }, first);
    bench.pass(2 * minute);
    bench.telemetry(device, {});
    expect(bench.fold(device).missing).toBe(1);
    bench.put(fill);
    expect(bench.fold(device)).toMatchObject({ missing: 0, state: "healthy", head: { seq: 2 } });
    expect(bench.windows.map(({ standing }) => standing)).toEqual(["proven", "proven", "proven"]);
  });
});

describe("the order of states", () => {
  const worst = { remapped_rows: failing, ecc_volatile: uncorrectable(3), recovery_action: "reset" };

  it("tells the worst first, and the next one as each is cured", () => {
    const bench = healthy();
    const seen: string[] = [];
    const see = (change: Parameters<typeof bench.telemetry>[1], minutes: number): void => {
      bench.report(device, minutes, change);
      seen.push(bench.state(device));
    };
    see({ ...worst, presence: "missing" }, 1);
    see(worst, 6);
    see({ ecc_volatile: uncorrectable(3), recovery_action: "reset" }, 6);
    see({ recovery_action: "reset" }, 31);
    see({}, 6);
    expect(seen).toEqual([
      "lost/gpu_missing",
      "impaired/row_remap_failure",
      "impaired/ecc_uncorrectable",
      "watch/recovery_action",
      "healthy/none",
    ]);
  });

  it("puts silence above conditions, and dispute above all", () => {
    const bench = healthy();
    bench.telemetry(device, { presence: "lost", present_ms: 0 });
    bench.pass(6 * minute);
    expect(bench.state(device)).toBe("stale/device_silent");
    bench.put({
      kind: "finding",
      body: { code: "EQUIVOCATION", device, at_ms: bench.now(), sides: [], text: "two statements" },
    });
    expect(bench.state(device)).toBe("disputed/equivocation");
    bench.report(device, 2, { presence: "lost" });
    pause(bench, 0, hour);
    expect(bench.state(device)).toBe("disputed/equivocation");
  });
});

describe("a proposed breach", () => {
  it("comes when lost or impaired without a break for 72 hours, and goes when cured", () => {
    const bench = healthy();
    const since_ms = bench.now() + 5 * minute;
    const hours = (count: number, change: object): void => {
      for (let i = 0; i < count * 12; i += 1) {
        bench.pass(5 * minute, 5 * minute);
        bench.telemetry(device, change);
      }
    };
    hours(36, { presence: "lost", present_ms: 0 });
    // Another severe condition goes on where the first ended: it is one stretch of trouble.
    hours(35, { remapped_rows: failing });
    expect(bench.state(device)).toBe("impaired/row_remap_failure");
    hours(2, { remapped_rows: failing });
    expect(bench.state(device)).toBe("breach_proposed/uncured");
    const { data } = bench.health(device).at(-1)!;
    expect(data.threshold).toBe(72 * hour);
    expect(data.value).toBe(data.since_ms - since_ms);
    expect(data.value).toBeGreaterThanOrEqual(72 * hour);
    hours(1, {});
    expect(bench.state(device)).toBe("healthy/none");
    bench.report(device, 1, { presence: "lost" });
    expect(bench.state(device)).toBe("lost/gpu_lost");
  });

  it("is not proposed by a registry that is blind, nor for what is only watched", () => {
    const bench = healthy();
    bench.telemetry(device, { presence: "lost", present_ms: 0 });
    bench.down(80 * hour);
    expect(bench.state(device)).toBe("stale/registry_silent");
    const watched = start();
    for (let i = 0; i < 80 * 12; i += 1) {
      watched.pass(5 * minute, 5 * minute);
      watched.telemetry(device, { recovery_action: "reset" });
    }
    expect(watched.state(device)).toBe("watch/recovery_action");
  });
});

describe("a pause", () => {
  it("excuses silence and idling while it lasts, and a while after it", () => {
    const bench = healthy();
    pause(bench, 0, hour);
    expect(bench.state(device)).toBe("paused/pause_announced");
    bench.pass(hour - 1000, 1000);
    expect(bench.state(device)).toBe("paused/pause_announced");
    bench.pass(2000, 1000);
    expect(bench.state(device)).toBe("healthy/none");
    bench.pass(policy.stale_after_ms, 1000);
    expect(bench.state(device)).toBe("stale/device_silent");
  });

  it("hides no fault that the device itself reports", () => {
    const bench = healthy();
    pause(bench, 0, hour);
    bench.report(device, 1, { remapped_rows: failing });
    expect(bench.state(device)).toBe("impaired/row_remap_failure");
    bench.report(device, 1, { presence: "lost" });
    expect(bench.state(device)).toBe("lost/gpu_lost");
    // What is only watched is excused.
    bench.report(device, 6, { recovery_action: "reset" });
    expect(bench.state(device)).toBe("paused/pause_announced");
  });

  it("excuses nothing before it begins", () => {
    const bench = healthy();
    pause(bench, 24 * hour, 25 * hour);
    expect(bench.state(device)).toBe("healthy/none");
    bench.pass(6 * minute, 1000);
    expect(bench.state(device)).toBe("stale/device_silent");
    bench.pass(24 * hour, minute);
    expect(bench.state(device)).toBe("paused/pause_announced");
  });

  it("does not wipe out the silence that was there before it", () => {
    const bench = healthy();
    pause(bench, 4 * minute, 64 * minute);
    bench.pass(64 * minute + 2000, 1000);
    // Four minutes before and two seconds after: not yet five.
    expect(bench.state(device)).toBe("healthy/none");
    bench.pass(minute, 1000);
    expect(bench.state(device)).toBe("stale/device_silent");
  });

  it("counts from its arrival, however early it claims to begin", () => {
    const bench = healthy();
    pause(bench, -hour, hour);
    expect(bench.fold(device).pause).toEqual({ from_ms: bench.now(), until_ms: bench.now() + hour });
    const over = healthy();
    pause(over, -2 * hour, -hour);
    expect(over.fold(device).pause).toBeNull();
    expect(over.state(device)).toBe("healthy/none");
  });

  it("is capped, and not taken again at once", () => {
    const bench = healthy();
    pause(bench, 0, 100 * hour);
    const first = { from_ms: bench.now(), until_ms: bench.now() + 4 * hour };
    expect(bench.fold(device).pause).toEqual(first);
    bench.pass(5 * hour, minute);
    pause(bench, 0, hour);
    expect(bench.fold(device).pause).toEqual(first);
    expect(bench.state(device)).toBe("stale/device_silent");
    bench.pass(23 * hour, minute);
    pause(bench, 0, hour);
    expect(bench.fold(device).pause?.from_ms).toBe(bench.now());
    expect(bench.state(device)).toBe("paused/pause_announced");
  });
});
