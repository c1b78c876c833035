import type { Report } from "../../protocol/report/schema.js";
import type { DeviceFold } from "./deviceFold.js";
import type { HealthPolicy } from "./policy.js";

/** What one stretch of a device's wall time was, in ms. What no row speaks of is unexplained: downtime. */
export type TimeShare = {
  proven_ms: number;
  late_ms: number;
  absent_ms: number;
  gap_ms: number;
  paused_ms: number;
  /** Weight and weighted sum of utilization (SM activity where known): mean = util_permille_ms / util_ms. */
  util_ms: number;
  util_permille_ms: number;
  power_ms: number;
  power_mw_ms: number;
};

export type Standing = "proven" | "late" | "gap" | "none";
export type Stretch = { start_ms: number; end_ms: number; share: TimeShare };
export type Outage = { from_ms: number; to_ms: number };

/** Time between a window's end and its arrival that is the sender's own: the registry's outages are not. */
export function lateness_ms(end_ms: number, received_ms: number, outages: readonly Outage[]): number {
  let late = received_ms - end_ms;
  for (const outage of outages) late -= overlap(end_ms, received_ms, outage.from_ms, outage.to_ms);
  return late;
}

/**
 * How a report accounts for its device's time. Utilization counts only where uptime does: what arrives late may have
 * been made up since.
 */
export function accountFor(
  report: Report,
  fold: DeviceFold,
  received_ms: number,
  outages: readonly Outage[],
  policy: HealthPolicy,
): { standing: Standing; stretches: Stretch[] } {
  // Time before enrolment is nobody's.
  const start_ms = Math.max(report.window.start_ms, fold.enrolled_ms);
  const end_ms = Math.max(report.window.end_ms, start_ms);
  if (report.kind === "gap") {
    return { standing: "gap", stretches: gapStretches(start_ms, end_ms, fold.pause) };
  }
  if (report.kind !== "telemetry") return { standing: "none", stretches: [] };
  const length = end_ms - start_ms;
  const present = Math.min(report.body.present_ms, length);
  const late = lateness_ms(report.window.end_ms, received_ms, outages) > policy.late_after_ms;
  const share = emptyShare();
  share[late ? "late_ms" : "proven_ms"] = present;
  share.absent_ms = length - present;
  if (!late) {
    const util = report.body.sm_activity_permille ?? report.body.util_permille;
    if (util !== null) {
      share.util_ms = present;
      share.util_permille_ms = present * util.mean;
    }
    if (report.body.power_mw !== null) {
      share.power_ms = present;
      share.power_mw_ms = present * Math.min(report.body.power_mw.mean, 100_000_000);
    }
  }
  return { standing: late ? "late" : "proven", stretches: [{ start_ms, end_ms, share }] };
}

function gapStretches(start_ms: number, end_ms: number, pause: DeviceFold["pause"]): Stretch[] {
  const from = pause === null ? end_ms : clamp(pause.from_ms, start_ms, end_ms);
  const until = pause === null ? end_ms : clamp(pause.until_ms, from, end_ms);
  return [
    { start_ms, end_ms: from, share: { ...emptyShare(), gap_ms: from - start_ms } },
    { start_ms: from, end_ms: until, share: { ...emptyShare(), paused_ms: until - from } },
    { start_ms: until, end_ms, share: { ...emptyShare(), gap_ms: end_ms - until } },
  ].filter((stretch) => stretch.end_ms > stretch.start_ms);
}

/**
 * Cuts a stretch at bucket borders. Each quantity is cut by cumulative rounding, so that the parts add up to the
 * whole exactly.
 */
export function cutIntoBuckets(
  stretch: Stretch,
  bucket_ms: number,
): { bucket_ms: number; share: TimeShare }[] {
  const { start_ms, end_ms, share } = stretch;
  const first = Math.floor(start_ms / bucket_ms) * bucket_ms;
  if (end_ms <= first + bucket_ms) return [{ bucket_ms: first, share }];
  const length = end_ms - start_ms;
  const cuts: { bucket_ms: number; share: TimeShare }[] = [];
  let done = emptyShare();
  for (let at = first; at < end_ms; at += bucket_ms) {
    const reached = Math.min(at + bucket_ms, end_ms) - start_ms;
    const upTo = mapShare((key) => Number((BigInt(share[key]) * BigInt(reached)) / BigInt(length)));
    const before = done;
    cuts.push({ bucket_ms: at, share: mapShare((key) => upTo[key] - before[key]) });
    done = upTo;
  }
  return cuts;
}

export function addShare(into: TimeShare, more: TimeShare): void {
  for (const key of shareKeys) into[key] += more[key];
}

export const shareKeys = [
  "proven_ms",
  "late_ms",
  "absent_ms",
  "gap_ms",
  "paused_ms",
  "util_ms",
  "util_permille_ms",
  "power_ms",
  "power_mw_ms",
] as const satisfies readonly (keyof TimeShare)[];

export function emptyShare(): TimeShare {
  return {
    proven_ms: 0,
    late_ms: 0,
    absent_ms: 0,
    gap_ms: 0,
    paused_ms: 0,
    util_ms: 0,
    util_permille_ms: 0,
    power_ms: 0,
    power_mw_ms: 0,
  };
}

function mapShare(value: (key: keyof TimeShare) => number): TimeShare {
  const share = emptyShare();
  for (const key of shareKeys) share[key] = value(key);
  return share;
}

function overlap(aFrom: number, aTo: number, bFrom: number, bTo: number): number {
  return Math.max(0, Math.min(aTo, bTo) - Math.max(aFrom, bFrom));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
