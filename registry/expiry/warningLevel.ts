import type { Expiring } from "./expiring.js";

const day_ms = 86_400_000;
const thresholds_days = [1, 3, 7] as const;

/** Days left, rounded up to a threshold; 0 when it has run out. */
export type WarningLevel = (typeof thresholds_days)[number] | 0;

/**
 * How urgent it is that something runs out, or null. What was made for less time than a threshold is not warned of at
 * that: it was never meant to last. A token that has run out concerns nobody, nor a week later anything but the CA.
 */
export function warningLevel({ what, made_ms, expires_ms }: Expiring, now_ms: number): WarningLevel | null {
  const left_ms = expires_ms - now_ms;
  if (left_ms <= 0) {
    if (what === "enrolment-token") return null;
    return what === "ca" || left_ms > -7 * day_ms ? 0 : null;
  }
  const lifetime_ms = made_ms === null ? Number.POSITIVE_INFINITY : expires_ms - made_ms;
  const level = thresholds_days.find((days) => left_ms <= days * day_ms);
  return level === undefined || lifetime_ms <= level * day_ms ? null : level;
}
