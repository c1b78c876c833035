import type { AcceptedReport } from "./applyReport.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding } from "./raise.js";

/** Boots that are remembered: two copies that take turns come back within a few. */
const remembered = 4;

/**
 * Notices that two processes speak for one device: a host's data directory was cloned, or its key. A process draws its
 * boot at random, one at a time holds the data directory, and it signs in order. So along an honest chain a boot that has
 * ended never comes back, after a restore from backup neither.
 *
 * To be called for reports that move the head: what fills a gap is older than it.
 */
export function noticeBoot(
  fleet: FleetFold,
  fold: DeviceFold,
  { report, statement }: Omit<AcceptedReport, "idx">,
  now_ms: number,
  sink: FoldSink,
): void {
  const current = fold.boots.at(-1);
  if (current?.boot === report.boot) {
    current.statement = statement;
    return;
  }
  const before = fold.boots.find(({ boot }) => boot === report.boot);
  fold.boots = [
    ...fold.boots.filter((one) => one !== before).slice(1 - remembered),
    { boot: report.boot, statement },
  ];
  if (before === undefined || current === undefined) return;
  const text = `two processes sign for it in turns: ${statement} goes on after ${before.statement}, with ${current.statement} of another process between`;
  raiseFinding(fleet, fold, { code: "KEY_IN_TWO_PLACES", text, evidence: statement }, now_ms, sink);
}
