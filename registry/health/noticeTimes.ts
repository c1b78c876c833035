import type { Report } from "../../protocol/report/schema.js";
import { lateness_ms } from "./account.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding } from "./raise.js";

/** How far a clock, or a block's time, may be off; the same as at the door. */
const skew_ms = 120_000;
/** A beacon may be this old when a window ends: a host gets a newer one well before. */
const beaconGrace_ms = 15 * 60_000;
/** A spool that is emptied after an outage looks the same for a moment; nobody empties one for this long. */
const patience_ms = 15 * 60_000;

/**
 * Notices two things that one report alone does not show, each after it has been so for a quarter of an hour without a
 * report that says otherwise: windows that end long before they arrive (the host's clock is behind, or its reports are held
 * back), and beacons that are older than those handed out since (the reports may have been signed in advance).
 */
export function noticeTimes(
  fleet: FleetFold,
  fold: DeviceFold,
  { report, statement }: { report: Report; statement: string },
  now_ms: number,
  sink: FoldSink,
): void {
  const { times } = fold;
  const late = lateness_ms(report.window.end_ms, now_ms, fleet.outages);
  times.behind = late > skew_ms ? (times.behind ?? { since_ms: now_ms, statement }) : null;
  if (times.behind !== null && now_ms - times.behind.since_ms >= patience_ms) {
    const text = `windows end ${late} ms before they arrive, from statement ${times.behind.statement} to ${statement}`;
    raiseFinding(fleet, fold, { code: "CLOCK_BEHIND", text, evidence: statement }, now_ms, sink);
  }
  const newer = newerBeacon(fleet, report);
  times.oldBeacon = newer === null ? null : (times.oldBeacon ?? { since_ms: now_ms, statement });
  if (newer !== null && times.oldBeacon !== null && now_ms - times.oldBeacon.since_ms >= patience_ms) {
    const named = report.beacon === null ? "no beacon" : `beacon ${report.beacon.hash}`;
    const text = `names ${named} though ${newer} was handed out more than ${beaconGrace_ms} ms before the window ended, from statement ${times.oldBeacon.statement} to ${statement}`;
    raiseFinding(fleet, fold, { code: "BEACON_OLD", text, evidence: statement }, now_ms, sink);
  }
}

/** The newest beacon that the host has had time to get, when the report names an older one; null when all is well. */
function newerBeacon({ beacons }: FleetFold, { beacon, window }: Report): string | null {
  const due = beacons.findLastIndex(({ time_ms }) => time_ms <= window.end_ms - beaconGrace_ms);
  if (due < 0) return null;
  // One that is not remembered is older than all that are: that it was handed out was checked at the door.
  const named = beacons.findIndex(({ hash }) => hash === beacon?.hash);
  return named < due ? beacons[due]!.hash : null;
}
