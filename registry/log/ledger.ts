import { CaliberError } from "../../protocol/errors.js";
import { type EntryKind, encodeJsonEntry } from "../../protocol/log/entry.js";
import type { AcceptedReport } from "../health/applyReport.js";
import type { FoldEntry } from "../health/foldEntry.js";
import type { Db } from "../store/openDatabase.js";
import type { Projector } from "../store/projector.js";
import type { EvidenceLog } from "./evidenceLog.js";

/** What one commit was: told to all who wait for it, after it is durable and folded in. */
export type Commit = { tick_idx: number; received_at_ms: number; size: number };

export type Ledger = {
  /** Queues an accepted report, with its log entry (encodeReportEntry), for the next commit. */
  addReport(report: Omit<AcceptedReport, "idx">, entry: Buffer, done: (idx: number) => void): void;
  /** Queues a JSON entry for the next commit; `alongside` writes within the same transaction. */
  add(kind: JsonKind, body: object, options?: { done?: (idx: number) => void; alongside?: () => void }): void;
  /** Calls back with the next commit, for what is on record already and waits only to be answered. */
  afterCommit(done: () => void): void;
  /**
   * Commits what is queued, or an empty tick. Synchronous: when it returns all is durable.
   *
   * @throws what the store throws, after `onFatal`; CaliberError LEDGER_FAILED ever after.
   */
  commit(): void;
  /** Commits and flushes what there is, so that the tables are as new as what has been taken in. Throws as `commit`. */
  settle(): void;
  onCommit(listener: (commit: Commit) => void): void;
  /** Called after the derived tables have been stored. */
  onFlush(listener: () => void): void;
  stop(): void;
};

type JsonKind = Exclude<EntryKind, "report" | "tick">;
type Pending = {
  bytes: Buffer;
  entry: (idx: number) => FoldEntry;
  done: (idx: number) => void;
  alongside?: (() => void) | undefined;
};

export type LedgerOptions = {
  db: Db;
  log: EvidenceLog;
  projector: Projector;
  now_ms: () => number;
  /** Longest that an entry waits for others to share its commit. */
  group_ms: number;
  /** Longest time without a tick. */
  tick_ms: number;
  /** Longest that derived tables lag behind the log. */
  flush_ms: number;
  /** A commit failed: the tree in memory is ahead of the store, and the process must end. */
  onFatal: (error: unknown) => void;
};

const largestGroup = 1000;
/**
 * So many entries waiting when the group's time is up mean load: the group then waits once more, since each commit costs a
 * flush to disk and a signed receipt for every host in it. No longer than that: senders have a bounded number of reports in
 * flight, and what they wait for the event loop stands idle.
 */
const manyWaiting = 16;

/** The log's one writer: groups entries into commits, each closed by a tick and followed by the fold. */
export function createLedger(options: LedgerOptions): Ledger {
  const { db, log, projector, now_ms, group_ms, tick_ms, flush_ms } = options;
  const listeners: ((commit: Commit) => void)[] = [];
  const flushListeners: (() => void)[] = [];
  let pending: Pending[] = [];
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let lastCommit_ms = 0;
  let lastFlush_ms = 0;
  let failed = false;

  const write = db.transaction((batch: readonly Pending[], received_at_ms: number) => {
    const first = log.size();
    for (const item of batch) {
      log.append(item.bytes);
      item.alongside?.();
    }
    const body = { received_at_ms, first, count: batch.length };
    return { idx: log.append(encodeJsonEntry("tick", body)), body };
  });

  const commit = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = pending;
    const answered = waiting;
    pending = [];
    waiting = [];
    // The log's time never runs backwards, whatever the wall clock does.
    const received_at_ms = Math.max(now_ms(), projector.fleet.last_tick_ms ?? 0);
    const tick = write.immediate(batch, received_at_ms);
    lastCommit_ms = received_at_ms;
    projector.fold(
      batch.map((item, i) => item.entry(tick.body.first + i)),
      tick,
    );
    if (projector.hasEvents() || received_at_ms - lastFlush_ms >= flush_ms) flush();
    for (const [i, item] of batch.entries()) item.done(tick.body.first + i);
    for (const done of answered) done();
    for (const listener of listeners) listener({ tick_idx: tick.idx, received_at_ms, size: log.size() });
  };

  const flush = (): void => {
    projector.flush();
    lastFlush_ms = projector.fleet.last_tick_ms ?? 0;
    for (const listener of flushListeners) listener();
  };

  const fail = (error: unknown): void => {
    if (failed) return;
    failed = true;
    options.onFatal(error);
  };
  /** For timers: nobody is there to catch. */
  const guarded = (work: () => void) => (): void => {
    if (failed) return;
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };
  /** For callers who go on by what has been done: they must not take a failed commit for one. */
  const required = (work: () => void) => (): void => {
    if (failed) {
      throw new CaliberError("LEDGER_FAILED", "a commit has failed: nothing is taken in any more", {
        disposition: "internal",
      });
    }
    try {
      work();
    } catch (error) {
      fail(error);
      throw error;
    }
  };

  const commitNow = guarded(commit);
  const commitSoon = guarded(() => {
    if (pending.length < manyWaiting) commit();
    else timer = setTimeout(commitNow, group_ms);
  });

  const queue = (item: Pending): void => {
    pending.push(item);
    if (pending.length >= largestGroup) commitNow();
    else timer ??= setTimeout(commitSoon, group_ms);
  };

  const ticker = setInterval(
    guarded(() => {
      // Also when the wall clock has gone back: an idle log must go on ticking.
      if (Math.abs(now_ms() - lastCommit_ms) >= tick_ms) commit();
    }),
    Math.min(tick_ms, 1000),
  );

  return {
    addReport({ statement, report }, bytes, done) {
      queue({ bytes, entry: (idx) => ({ kind: "report", idx, statement, report }), done });
    },
    add(kind, body, { done = () => undefined, alongside } = {}) {
      const entry = (idx: number): FoldEntry => ({ kind, idx, body }) as FoldEntry;
      queue({ bytes: encodeJsonEntry(kind, body), entry, done, alongside });
    },
    afterCommit(done) {
      waiting.push(done);
      timer ??= setTimeout(commitSoon, group_ms);
    },
    commit: required(commit),
    settle: required(() => {
      if (pending.length > 0) commit();
      if (projector.isDirty()) flush();
    }),
    onCommit: (listener) => void listeners.push(listener),
    onFlush: (listener) => void flushListeners.push(listener),
    stop() {
      clearTimeout(timer);
      clearInterval(ticker);
    },
  };
}
