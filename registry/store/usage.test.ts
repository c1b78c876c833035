import { afterEach, describe, expect, it, vi } from "vitest";
import type { TelemetryBody } from "../../protocol/report/schema.js";
import { busyTelemetry, testChain } from "../../test/support/testReports.js";
import { gapBody } from "../testing/foldBench.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { createUsageReader, type UsageRange } from "./usage.js";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** On a whole hour, so that ranges begin where they seem to. */
const start_ms = Date.UTC(2026, 10, 21);

const noProof = Buffer.of(1, 1);

const cores: Core[] = [];
afterEach(() => {
  for (const core of cores.splice(0)) core.crash();
});

/** One enrolled device that reports each minute what it is told to, without signatures. */
const start = () => {
  const core = openCore({ start_ms, policy: "standard", flush_ms: 0 });
  cores.push(core);
  const device = testDevice();
  core.enrol("h-1", [device]);
  const chain = testChain(device, "h-1");
  let end_ms = start_ms;
  const put = (kind: "telemetry" | "gap" | "pause", body: object): void => {
    const { statement, report } = chain.next(kind, body, { start_ms: end_ms, end_ms: core.now_ms() });
    end_ms = core.now_ms();
    core.ledger.addReport({ statement, report }, noProof, () => undefined);
    core.ledger.commit();
  };
  /** The next window's report, signed at its end and not sent yet. */
  const hold = (length_ms: number): (() => void) => {
    core.advance(length_ms);
    core.ledger.commit();
    const body = { ...busyTelemetry, present_ms: length_ms };
    const { statement, report } = chain.next("telemetry", body, { start_ms: end_ms, end_ms: core.now_ms() });
    end_ms = core.now_ms();
    return () => {
      core.ledger.addReport({ statement, report }, noProof, () => undefined);
      core.ledger.commit();
    };
  };
  const reader = createUsageReader(core.db);
  return {
    core,
    put,
    hold,
    /** Time passes with ticks and no reports. */
    pass(ms: number): void {
      for (let left = ms; left > 0; left -= minute) {
        core.advance(Math.min(left, minute));
        core.ledger.commit();
      }
    },
    report(minutes: number, change: Partial<TelemetryBody> = {}): void {
      for (let i = 0; i < minutes; i += 1) {
        core.advance(minute);
        put("telemetry", { ...busyTelemetry, present_ms: minute, ...change });
      }
    },
    /** Past time, accounted for at once: as long as an hour of reports, in six windows. */
    hours(count: number): void {
      for (let i = 0; i < count * 6; i += 1) {
        core.advance(10 * minute);
        put("telemetry", { ...busyTelemetry, present_ms: 10 * minute });
      }
    },
    usage: (range: UsageRange) => {
      core.settle();
      return reader(core.fold(device), range, core.now_ms());
    },
    fold: () => core.fold(device),
  };
};

describe("usage", () => {
  it("knows nothing of a new device, and owes nothing", () => {
    const { usage } = start();
    for (const range of ["1h", "24h", "7d", "30d"] as const) {
      expect(usage(range)).toEqual({
        from_ms: start_ms,
        to_ms: start_ms,
        wall_ms: 0,
        proven_ms: 0,
        late_ms: 0,
        absent_ms: 0,
        gap_ms: 0,
        paused_ms: 0,
        unexplained_ms: 0,
        uptime_permille: null,
        util_permille: null,
        power_mw: null,
      });
    }
  });

  it("is counted from enrolment on, and up to the last window: an open one owes nothing yet", () => {
    const { report, core, usage } = start();
    report(10);
    core.advance(45_000);
    expect(usage("1h")).toMatchObject({
      from_ms: start_ms,
      to_ms: start_ms + 10 * minute,
      wall_ms: 10 * minute,
      proven_ms: 10 * minute,
      unexplained_ms: 0,
      uptime_permille: 1000,
      util_permille: 947,
      power_mw: 655_120,
    });
    expect(usage("30d")).toEqual(usage("1h"));
  });

  it("weighs utilization by time", () => {
    const { report, usage } = start();
    report(30, { util_permille: { min: 0, mean: 900, max: 1000 } });
    report(10, { util_permille: { min: 0, mean: 100, max: 1000 } });
    report(5, { util_permille: null });
    expect(usage("1h").util_permille).toBe(700);
  });

  it("tells absent, gap, paused and late time apart", () => {
    const { report, put, hold, core, pass, usage } = start();
    report(10);
    report(10, { presence: "lost", present_ms: 0 });
    put("pause", { from_ms: core.now_ms(), until_ms: core.now_ms() + 10 * minute, reason: "work" });
    pass(15 * minute);
    put("gap", gapBody(0, 0));
    // Signed in time, and held back for sixteen minutes.
    const late = hold(5 * minute);
    pass(16 * minute);
    late();
    expect(usage("1h")).toMatchObject({
      wall_ms: 56 * minute,
      proven_ms: 10 * minute,
      absent_ms: 10 * minute,
      paused_ms: 10 * minute,
      gap_ms: 5 * minute,
      late_ms: 5 * minute,
      unexplained_ms: 16 * minute,
      uptime_permille: 178,
    });
  });

  it("takes time that no report speaks of for downtime", () => {
    const core = openCore({ start_ms, policy: "standard", flush_ms: 0 });
    cores.push(core);
    const device = testDevice();
    core.enrol("h-1", [device]);
    const chain = testChain(device, "h-1");
    for (const from of [0, 30]) {
      core.setTime(start_ms + (from + 10) * minute);
      const window = { start_ms: start_ms + from * minute, end_ms: core.now_ms() };
      const { statement, report } = chain.next(
        "telemetry",
        { ...busyTelemetry, present_ms: 10 * minute },
        window,
      );
      core.ledger.addReport({ statement, report }, noProof, () => undefined);
      core.ledger.commit();
    }
    core.settle();
    expect(createUsageReader(core.db)(core.fold(device), "1h", core.now_ms())).toMatchObject({
      wall_ms: 40 * minute,
      proven_ms: 20 * minute,
      unexplained_ms: 20 * minute,
      uptime_permille: 500,
    });
  });

  it.each<[string, object]>([
    ["a device that has fallen silent", {}],
    ["also one whose state says something else", { dispute: "equivocation" }],
  ])("charges all time until now to %s", (_, change) => {
    const { report, pass, usage, fold } = start();
    report(30);
    Object.assign(fold(), change);
    pass(30 * minute);
    expect(usage("1h")).toMatchObject({
      wall_ms: hour,
      proven_ms: 30 * minute,
      unexplained_ms: 30 * minute,
      uptime_permille: 500,
    });
  });

  it("forgets what is older than its range, to the minute or to the hour", () => {
    const { hours, core, usage } = start();
    hours(26);
    core.advance(90_000);
    const now_ms = core.now_ms();
    expect(usage("1h")).toMatchObject({
      from_ms: Math.floor((now_ms - hour) / minute) * minute,
      proven_ms: now_ms - 90_000 - Math.floor((now_ms - hour) / minute) * minute,
      uptime_permille: 1000,
    });
    const from_ms = Math.floor((now_ms - day) / hour) * hour;
    expect(usage("24h")).toMatchObject({
      from_ms,
      wall_ms: now_ms - 90_000 - from_ms,
      proven_ms: now_ms - 90_000 - from_ms,
    });
    expect(usage("7d")).toMatchObject({ from_ms: start_ms, proven_ms: 26 * hour });
  });

  it("keeps a long gap whole in the hour rows, and its last day in the minute rows", () => {
    const { core, put, report, usage } = start();
    report(1);
    // A gap of three days: minute rows go back one day only, hour rows hold it all.
    core.advance(3 * day - minute);
    put("gap", gapBody(0, 0));
    expect(core.db.prepare("SELECT sum(gap_ms) AS ms FROM rollup_1m").get()).toEqual({ ms: day });
    expect(core.db.prepare("SELECT sum(gap_ms) AS ms FROM rollup_1h").get()).toEqual({
      ms: 3 * day - minute,
    });
    expect(usage("1h")).toMatchObject({ gap_ms: hour, uptime_permille: 0 });
    expect(usage("7d")).toMatchObject({ gap_ms: 3 * day - minute, proven_ms: minute, unexplained_ms: 0 });
  });
});

describe("the rollups' key", () => {
  it("is searched by device and time: what one device costs does not grow with the others", () => {
    const { core } = start();
    const prepare = vi.spyOn(core.db, "prepare");
    createUsageReader(core.db);
    const asked = prepare.mock.calls.map(([sql]) => sql);
    prepare.mockRestore();
    const plans = asked.map((sql) =>
      core.db
        .prepare<[number, number], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(1, 0)
        .map(({ detail }) => detail),
    );
    expect(plans).toEqual([
      ["SEARCH rollup_1m USING PRIMARY KEY (device=? AND bucket_ms>?)"],
      ["SEARCH rollup_1h USING PRIMARY KEY (device=? AND bucket_ms>?)"],
    ]);
  });
});
