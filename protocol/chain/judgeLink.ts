import { CaliberError } from "../errors.js";
import type { RefusalCode } from "../refusal.js";
import { type ChainHead, genesisPrev } from "./chainHead.js";

/** A report already on record, as far as a link needs it. */
export type RecordedLink = { seq: number; statement: string; prev: string; start_ms: number; end_ms: number };

/** The reports on record around one place of a chain. */
export type Neighbours = {
  at: RecordedLink | null;
  below: RecordedLink | null;
  above: RecordedLink | null;
};

export type LinkCandidate = {
  seq: number;
  prev: string;
  statement: string;
  window: { start_ms: number; end_ms: number };
};

export type LinkVerdict =
  | { verdict: "next" }
  /** Accepted, and reports `from` … `to` are missing: a gap is open. */
  | { verdict: "jump"; missing: { from: number; to: number } }
  /** Out of order, into an open gap. */
  | { verdict: "fill" }
  /** The same statement again: acknowledged again, kept once. */
  | { verdict: "duplicate" };

/**
 * The chain rule of design.md for one report. `neighbours` is asked only for a seq at or below the head.
 *
 * @throws CaliberError WINDOW_INVERTED, WINDOW_OVERLAP, PREV_MISMATCH, EQUIVOCATION
 */
export function judgeLink(
  head: ChainHead | null,
  report: LinkCandidate,
  neighbours: (seq: number) => Neighbours,
): LinkVerdict {
  const { start_ms, end_ms } = report.window;
  if (head !== null && report.seq <= head.seq) return judgeOld(report, neighbours(report.seq));
  if (end_ms < start_ms) throw refuse("WINDOW_INVERTED", "the window ends before it starts");
  if (head === null) {
    if (report.seq > 0) return { verdict: "jump", missing: { from: 0, to: report.seq - 1 } };
    if (report.prev !== genesisPrev) throw refuse("PREV_MISMATCH", "the first report has a predecessor");
    return { verdict: "next" };
  }
  if (start_ms < head.window_end_ms)
    throw refuse("WINDOW_OVERLAP", "the window starts before the last one ended");
  if (report.seq > head.seq + 1) {
    return { verdict: "jump", missing: { from: head.seq + 1, to: report.seq - 1 } };
  }
  if (report.prev !== head.statement) {
    throw refuse("PREV_MISMATCH", `report ${report.seq} does not follow the report ${head.seq} on record`);
  }
  return { verdict: "next" };
}

function judgeOld(report: LinkCandidate, { at, below, above }: Neighbours): LinkVerdict {
  if (at !== null) {
    if (at.statement === report.statement) return { verdict: "duplicate" };
    throw refuse("EQUIVOCATION", `two statements were signed for seq ${report.seq}`);
  }
  if (report.window.end_ms < report.window.start_ms) {
    throw refuse("WINDOW_INVERTED", "the window ends before it starts");
  }
  const follows = report.seq === 0 ? genesisPrev : below?.seq === report.seq - 1 ? below.statement : null;
  const leadsAbove = above === null || report.seq + 1 !== above.seq || above.prev === report.statement;
  if ((follows !== null && report.prev !== follows) || !leadsAbove)
    throw refuse("PREV_MISMATCH", "the report does not link to its neighbours");
  const overlaps =
    (below !== null && report.window.start_ms < below.end_ms) ||
    (above !== null && report.window.end_ms > above.start_ms);
  if (overlaps) throw refuse("WINDOW_OVERLAP", "the window overlaps a neighbour's");
  return { verdict: "fill" };
}

function refuse(code: RefusalCode, message: string): CaliberError {
  return new CaliberError(code, message);
}
