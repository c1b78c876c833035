import { emptyShare, shareKeys, type TimeShare } from "../health/account.js";
import type { DeviceFold } from "../health/deviceFold.js";
import type { Db } from "./openDatabase.js";

const minute = 60_000;
const hour = 60 * minute;
/** No telemetry window lasts longer (ingest refuses it): who has shown none for this long has fallen silent. */
const longestWindow_ms = 10 * minute;

/** Ranges that usage is told for. The first is read from minute rows, the others from hour rows. */
export const usageRanges = { "1h": hour, "24h": 24 * hour, "7d": 168 * hour, "30d": 720 * hour } as const;
export type UsageRange = keyof typeof usageRanges;

export type Usage = {
  /** Start of the range: on a whole minute or hour, and not before enrolment. */
  from_ms: number;
  to_ms: number;
  wall_ms: number;
  proven_ms: number;
  late_ms: number;
  absent_ms: number;
  gap_ms: number;
  paused_ms: number;
  /** Wall time that no report speaks of: downtime. */
  unexplained_ms: number;
  /** Share of wall time proven by reports in time with the GPU present; null before the first minute counts. */
  uptime_permille: number | null;
  /** Time-weighted mean over the proven time that tells it (SM activity where known); null when none does. */
  util_permille: number | null;
  power_mw: number | null;
};

export type UsageReader = (fold: DeviceFold, range: UsageRange, now_ms: number) => Usage;

export function createUsageReader(db: Db): UsageReader {
  const sums = shareKeys.map((key) => `coalesce(sum(${key}), 0) AS ${key}`).join(", ");
  const read = (table: string) =>
    db.prepare<[number, number], TimeShare>(
      `SELECT ${sums} FROM ${table} WHERE device = ? AND bucket_ms >= ?`,
    );
  const minutes = read("rollup_1m");
  const hours = read("rollup_1h");

  return (fold, range, now_ms) => {
    const [rows, bucket] = range === "1h" ? [minutes, minute] : [hours, hour];
    const start_ms = Math.floor((now_ms - usageRanges[range]) / bucket) * bucket;
    const from_ms = Math.max(start_ms, fold.enrolled_ms);
    // A window that is still open owes nothing yet; a device that has fallen silent owes all time until now.
    const head_ms = fold.head?.window_end_ms ?? from_ms;
    // A dispute or a pause outranks `stale` in the state, and excuses no downtime.
    const isSilent = fold.state === "stale" || now_ms - head_ms > longestWindow_ms;
    const to_ms = Math.max(from_ms, Math.min(now_ms, isSilent ? now_ms : head_ms));
    const wall_ms = to_ms - from_ms;
    const share = rows.get(fold.id, start_ms) ?? emptyShare();
    const { proven_ms, late_ms, absent_ms, gap_ms, paused_ms } = share;
    const told = proven_ms + late_ms + absent_ms + gap_ms + paused_ms;
    return {
      from_ms,
      to_ms,
      wall_ms,
      proven_ms,
      late_ms,
      absent_ms,
      gap_ms,
      paused_ms,
      unexplained_ms: Math.max(0, wall_ms - told),
      uptime_permille: wall_ms === 0 ? null : Math.min(1000, Math.floor((proven_ms * 1000) / wall_ms)),
      util_permille: share.util_ms === 0 ? null : Math.round(share.util_permille_ms / share.util_ms),
      power_mw: share.power_ms === 0 ? null : Math.round(share.power_mw_ms / share.power_ms),
    };
  };
}
