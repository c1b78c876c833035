import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeEntry } from "../../protocol/log/entry.js";
import type { TickBody } from "../../protocol/log/entryBodies.js";
import { busyTelemetry, testChain } from "../../test/support/testReports.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import type { Commit } from "./ledger.js";

const open: Core[] = [];
const start = (options: Parameters<typeof openCore>[0] = {}): Core => {
  const core = openCore(options);
  open.push(core);
  return core;
};
afterEach(() => {
  vi.useRealTimers();
  for (const core of open.splice(0)) core.crash();
});

const entries = (core: Core) => [...core.log.scan(0)].map(({ bytes }) => decodeEntry(bytes));
const ticks = (core: Core): (TickBody & { idx: number })[] =>
  entries(core).flatMap((entry, idx) =>
    entry.kind === "tick" ? [{ ...(entry.body as TickBody), idx }] : [],
  );
const reject = (n: number) => ({
  digest: String(n).padStart(64, "0"),
  host: "h",
  device: "d",
  code: "X",
  at_ms: 0,
});

describe("commits", () => {
  it("are shared by what comes within the group's time, and each is closed by its tick", () => {
    vi.useFakeTimers();
    const core = start({ group_ms: 5 });
    const commits: Commit[] = [];
    core.ledger.onCommit((commit) => void commits.push(commit));
    const done: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      core.ledger.add("reject", reject(i), { done: (idx) => void done.push(idx) });
    }
    vi.advanceTimersByTime(4);
    expect(done).toEqual([]);
    expect(core.log.size()).toBe(2);
    vi.advanceTimersByTime(1);
    expect(done).toEqual([2, 3, 4]);
    expect(commits).toEqual([{ tick_idx: 5, received_at_ms: core.now_ms(), size: 6 }]);
    expect(ticks(core).at(-1)).toEqual({ idx: 5, received_at_ms: core.now_ms(), first: 2, count: 3 });
    vi.advanceTimersByTime(100);
    expect(core.log.size()).toBe(6);
  });

  it.each([
    [15, 5],
    [16, 10],
    [500, 10],
  ])("wait longer when more is waiting: %i entries for %i ms", (entries, wait_ms) => {
    vi.useFakeTimers();
    const core = start({ group_ms: 5 });
    const before = ticks(core).length;
    for (let i = 0; i < entries; i += 1) core.ledger.add("reject", reject(i));
    vi.advanceTimersByTime(wait_ms - 1);
    expect(ticks(core)).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(ticks(core).slice(before)).toMatchObject([{ count: entries }]);
  });

  it("do not wait when a group is full", () => {
    vi.useFakeTimers();
    const core = start();
    for (let i = 0; i < 1000; i += 1) core.ledger.add("reject", reject(i));
    expect(ticks(core).at(-1)).toMatchObject({ first: 2, count: 1000 });
    vi.advanceTimersByTime(10);
    expect(ticks(core)).toHaveLength(2);
  });

  it("tell those who wait only when all is durable and folded in", () => {
    const core = start();
    const device = testDevice();
    core.enrol("h-1", [device]);
    const start_ms = core.now_ms();
    const { statement, report } = testChain(device, "h-1").next("telemetry", busyTelemetry, {
      start_ms,
      end_ms: start_ms,
    });
    let seen: unknown;
    core.ledger.addReport({ statement, report }, Buffer.of(1, 1), (idx) => {
      seen = [idx, core.db.inTransaction, core.log.read(idx)?.[0], core.fold(device).head?.statement];
    });
    expect(seen).toBeUndefined();
    core.ledger.commit();
    expect(seen).toEqual([core.log.size() - 2, false, 1, statement]);
  });

  it("answer those who only wait with the next one, and make one when there is none", () => {
    vi.useFakeTimers();
    const core = start({ group_ms: 5 });
    const done = vi.fn();
    core.ledger.afterCommit(done);
    vi.advanceTimersByTime(5);
    expect(done).toHaveBeenCalledOnce();
    expect(ticks(core).at(-1)?.count).toBe(0);
  });

  it("write what stands beside the log in the same transaction", () => {
    const core = start();
    const alongside = () => void core.db.prepare("INSERT INTO conflict VALUES (x'01')").run();
    core.ledger.add("reject", reject(1), { alongside });
    expect(core.db.prepare("SELECT count(*) AS n FROM conflict").get()).toEqual({ n: 0 });
    core.ledger.commit();
    expect(core.db.prepare("SELECT count(*) AS n FROM conflict").get()).toEqual({ n: 1 });
  });
});

describe("time", () => {
  it("ticks by itself, at least as often as it is told to", () => {
    vi.useFakeTimers();
    const core = start({ tick_ms: 5000 });
    const from_ms = core.now_ms();
    for (let s = 1; s <= 20; s += 1) {
      core.setTime(from_ms + s * 1000);
      vi.advanceTimersByTime(1000);
    }
    expect(ticks(core).map(({ received_at_ms }) => (received_at_ms - from_ms) / 1000)).toEqual([
      0, 5, 10, 15, 20,
    ]);
  });

  it("never runs back in the log, whatever the wall clock does", () => {
    const core = start();
    const from_ms = core.now_ms();
    for (const step of [1000, -5000, 0, 4500, 0, 2000]) {
      core.advance(step);
      core.ledger.commit();
    }
    const times = ticks(core).map(({ received_at_ms }) => received_at_ms - from_ms);
    expect(times).toEqual([0, 1000, 1000, 1000, 1000, 1000, 2500]);
  });

  it("does not run back over a restart either", () => {
    const directory = mkdtempSync(join(tmpdir(), "caliber-ledger-"));
    const path = join(directory, "registry.db");
    const first = openCore({ path });
    const late_ms = first.advance(10_000);
    first.ledger.commit();
    first.crash();
    const again = start({ path, start_ms: late_ms - 9_000 });
    again.ledger.commit();
    expect(ticks(again).map(({ received_at_ms }) => received_at_ms)).toEqual([
      late_ms - 10_000,
      late_ms,
      late_ms,
    ]);
    rmSync(directory, { recursive: true });
  });

  it("covers every entry by exactly one tick", () => {
    const core = start();
    for (let i = 0; i < 40; i += 1) {
      for (let n = 0; n < i % 4; n += 1) core.ledger.add("reject", reject(i * 10 + n));
      core.ledger.commit();
    }
    let next = 0;
    for (const { idx, first, count } of ticks(core)) {
      expect(first).toBe(next);
      expect(idx).toBe(first + count);
      next = idx + 1;
    }
    expect(next).toBe(core.log.size());
  });
});

describe("a commit that fails", () => {
  const failing = {
    alongside: () => {
      throw new Error("disk full");
    },
  };

  it("is fatal, tells nobody that it was done, and leaves no part of itself", () => {
    vi.useFakeTimers();
    const core = start();
    const size = core.log.size();
    const done = vi.fn();
    core.ledger.add("reject", reject(1), { done });
    core.ledger.add("reject", reject(2), { ...failing, done });
    vi.advanceTimersByTime(10);
    expect(core.fatal).toMatchObject([{ message: "disk full" }]);
    expect(done).not.toHaveBeenCalled();
    expect(core.db.prepare("SELECT count(*) AS n FROM entry").get()).toEqual({ n: size });
  });

  it.each(["commit", "settle"] as const)("is fatal too when it was asked for by %s", (ask) => {
    const core = start();
    core.ledger.add("reject", reject(1), failing);
    expect(() => core.ledger[ask]()).toThrow("disk full");
    expect(core.fatal).toMatchObject([{ message: "disk full" }]);
  });

  it("is the last one: the tree in memory is ahead of the store", () => {
    vi.useFakeTimers();
    const core = start();
    const size = core.log.size();
    core.ledger.add("reject", reject(1), failing);
    vi.advanceTimersByTime(10);
    const done = vi.fn();
    core.ledger.add("reject", reject(2), { done });
    vi.advanceTimersByTime(10);
    expect(() => core.ledger.commit()).toThrow(expect.objectContaining({ code: "LEDGER_FAILED" }));
    expect(done).not.toHaveBeenCalled();
    expect(core.db.prepare("SELECT count(*) AS n FROM entry").get()).toEqual({ n: size });
  });
});

describe("derived tables", () => {
  const count = (core: Core, table: string) =>
    (core.db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;

  it("lag behind the log by the flush time at most, and not at all when there are events", () => {
    const core = start({ flush_ms: 10_000 });
    core.advance(60_000);
    core.ledger.commit();
    const device = testDevice();
    core.enrol("h-1", [device]);
    const chain = testChain(device, "h-1");
    const telemetry = () => {
      const start_ms = core.now_ms();
      const { statement, report } = chain.next("telemetry", busyTelemetry, {
        start_ms,
        end_ms: core.advance(1000),
      });
      core.ledger.addReport({ statement, report }, Buffer.of(1, 1), () => undefined);
      core.ledger.commit();
    };
    const flushed = vi.fn();
    core.ledger.onFlush(flushed);
    telemetry();
    expect([count(core, "report"), count(core, "event"), flushed.mock.calls.length]).toEqual([1, 1, 1]);
    telemetry();
    expect(count(core, "report")).toBe(1);
    core.ledger.settle();
    expect([count(core, "report"), flushed.mock.calls.length]).toEqual([2, 2]);
    core.ledger.settle();
    expect(flushed).toHaveBeenCalledTimes(2);
    telemetry();
    core.advance(10_000);
    core.ledger.commit();
    expect(count(core, "report")).toBe(3);
  });
});
