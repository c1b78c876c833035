import type { Logger } from "pino";
import type { GapReason, InventoryBody, PauseReport, Presence } from "../../protocol/report/schema.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import { closeWindow } from "../window/closeWindow.js";
import type { SeriesWatch } from "../window/createSeriesWatch.js";
import { createWindow, type Window } from "../window/createWindow.js";
import { createWindowJudge } from "../window/createWindowJudge.js";
import { isFault } from "../window/isFault.js";
import type { Draft, ReportSigner } from "./createReportSigner.js";
import { packLeaves } from "./packLeaves.js";
import type { Span } from "./placeWindow.js";

/** A point in time on both clocks. */
type Instant = { at_ms: number; at_mono_ms: number };

/** How a chain is taken up: where its last window ended, and what has to be said about the time since. */
export type TakeUp = {
  /** Null for a chain that has not begun. */
  gap: { reason: GapReason; from_ms: number; local_head_seq: number | null } | null;
};

export type DeviceMonitor = {
  /** Goes on with the chain at the next sample: gap, inventory, then windows. What was open is given up. */
  takeUp(how: TakeUp): void;
  sample(sample: GpuSample): void;
  inventory(body: InventoryBody): void;
  /**
   * Ends the open window and signs one report at its end.
   *
   * @returns false when the chain has not been taken up: nothing may be signed yet.
   */
  point(draft: Draft): boolean;
  pause(body: PauseReport["body"]): boolean;
  /** Signs `draft`, and goes on with another signer from there: with the inventory, which the next key has not signed yet. */
  handOver(draft: Draft, next: () => ReportSigner): boolean;
  /** Ends the open window, for good. */
  close(): void;
  state(): { open: boolean; presence: Presence | null; last_report_ms: number | null };
};

export type DeviceMonitorOptions = {
  uuid: string;
  signer: ReportSigner;
  /** Shared by all GPUs of the host. */
  series: SeriesWatch;
  window_ms: number;
  interval_ms: number;
  inventory_every_ms?: number;
  log: Logger;
};

/** Intervals without a sample, or by which the wall clock leaps ahead, after which the time counts as not watched. */
const silentIntervals = 5;

/**
 * Watches one GPU and tells its chain of it. Windows begin and end at samples, so that each begins where the one before
 * it ended.
 */
export function createDeviceMonitor(options: DeviceMonitorOptions): DeviceMonitor {
  const { uuid, series, window_ms, interval_ms, inventory_every_ms = 3_600_000, log } = options;
  let signer = options.signer;
  const judge = createWindowJudge({ uuid, series });
  let pending: TakeUp | null = null;
  let window: Window | null = null;
  let start: Instant | null = null;
  let last: GpuSample | null = null;
  let facts: InventoryBody | null = null;
  let told: string | null = null;
  let told_mono_ms = 0;
  let last_report_ms: number | null = null;

  const sign = (from: Instant, to: Instant, draft: (window: Span) => Draft, leaves?: Buffer): void => {
    const mono = { mono_start_ms: from.at_mono_ms, mono_end_ms: to.at_mono_ms };
    signer.sign({ start_ms: from.at_ms, end_ms: to.at_ms, ...mono }, draft, leaves);
    last_report_ms = to.at_ms;
  };
  const openAt = (at: Instant): void => {
    start = at;
    window = createWindow({ uuid, start_mono_ms: at.at_mono_ms, interval_ms });
  };

  /** Signs what the window holds up to its last sample, and opens the next one there. Empty, it stays open. */
  const cut = (): Instant | null => {
    if (window === null || start === null) return null;
    const end = window.samples.at(-1);
    if (end === undefined) return start;
    const { body, raw } = closeWindow(window, end.at_mono_ms);
    sign(
      start,
      end,
      (placed) => {
        const told = { ...body, present_ms: Math.min(body.present_ms, placed.end_ms - placed.start_ms) };
        return { kind: "telemetry", body: { ...told, implausible: judge.window(told, placed) } };
      },
      packLeaves(raw),
    );
    openAt(end);
    return end;
  };

  const tellInventory = (at: Instant): void => {
    if (facts === null) return;
    const body = facts;
    told = JSON.stringify(body);
    told_mono_ms = at.at_mono_ms;
    judge.inventory(body);
    sign(at, at, () => ({ kind: "inventory", body }));
  };

  const gap = (from: Instant, to: Instant, how: NonNullable<TakeUp["gap"]>): void =>
    sign(from, to, ({ start_ms, end_ms }) => ({
      kind: "gap",
      body: {
        reason: how.reason,
        from_ms: start_ms,
        to_ms: end_ms,
        dropped: null,
        local_head_seq: how.local_head_seq,
        note: null,
      },
    }));

  const begin = ({ gap: how }: TakeUp, at: GpuSample): void => {
    pending = null;
    if (how !== null) gap({ at_ms: how.from_ms, at_mono_ms: at.at_mono_ms }, at, how);
    tellInventory(at);
    openAt(at);
  };

  /** Time passed that nobody watched: the process stood still, or the wall clock leapt ahead. */
  const wasSuspended = (before: Instant, now: Instant): boolean => {
    const unseen_ms = now.at_mono_ms - before.at_mono_ms;
    const leap_ms = now.at_ms - before.at_ms - unseen_ms;
    return Math.max(unseen_ms, leap_ms) > silentIntervals * interval_ms;
  };

  const point = (draft: Draft): boolean => {
    const at = pending === null ? cut() : null;
    if (at === null) return false;
    sign(at, at, () => draft);
    return true;
  };

  return {
    takeUp(how) {
      pending = how;
      window = null;
      start = null;
    },
    sample(sample) {
      const before = last;
      last = sample;
      if (pending !== null) begin(pending, sample);
      else if (window !== null && before !== null && wasSuspended(before, sample)) {
        const at = cut() ?? before;
        log.warn({ uuid, silent_ms: sample.at_ms - at.at_ms }, "this process was suspended");
        gap(at, sample, { reason: "suspended", from_ms: at.at_ms, local_head_seq: null });
        openAt(sample);
      }
      if (window === null || start === null) return;
      window.add(sample);
      const elapsed_ms = sample.at_mono_ms - start.at_mono_ms;
      if (!isFault(before, sample) && elapsed_ms < window_ms - interval_ms / 2) return;
      cut();
      if (sample.at_mono_ms - told_mono_ms >= inventory_every_ms) tellInventory(sample);
    },
    inventory(body) {
      facts = body;
      if (window === null || pending !== null || JSON.stringify(body) === told) return;
      const at = cut();
      if (at !== null) tellInventory(at);
    },
    point,
    pause: (body) => point({ kind: "pause", body }),
    handOver(draft, next) {
      if (!point(draft)) return false;
      signer = next();
      if (start !== null) tellInventory(start);
      return true;
    },
    close() {
      cut();
      window = null;
      start = null;
    },
    state: () => ({ open: window !== null, presence: last?.presence ?? null, last_report_ms }),
  };
}
