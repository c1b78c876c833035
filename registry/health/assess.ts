import type { HealthCause } from "../../protocol/health/healthCause.js";
import type { HealthState } from "../../protocol/health/healthState.js";
import { conditions } from "./conditions.js";
import type { DeviceFold } from "./deviceFold.js";
import type { HealthPolicy } from "./policy.js";

export type Assessment = {
  state: HealthState;
  cause: HealthCause;
  value: number | null;
  threshold: number | null;
  /** The facts behind it in words; null where the value says all. */
  detail: string | null;
};

/**
 * What a device's record amounts to at one moment of the log's time. Dispute outranks all, and who has
 * retired is neither silent nor lost. An announced pause excuses
 * silence and idling, which is what it was announced for; it hides no fault that the device itself reports.
 */
export function assess(fold: DeviceFold, now_ms: number, policy: HealthPolicy): Assessment {
  if (fold.dispute !== null) return plain("disputed", fold.dispute);
  if (fold.retired !== null) return plain("retired", "retired");
  const paused = fold.pause !== null && now_ms >= fold.pause.from_ms && now_ms < fold.pause.until_ms;
  const silence = paused ? null : assessSilence(fold, now_ms, policy);
  if (silence !== null) return silence;
  for (const { cause, state } of conditions) {
    const memory = fold.conditions[cause];
    if (memory?.active !== true) continue;
    const severe = state === "lost" || state === "impaired";
    if (paused && !severe) continue;
    if (severe && fold.bad_since_ms !== null && now_ms - fold.bad_since_ms >= policy.breach_after_ms) {
      const value = now_ms - fold.bad_since_ms;
      const { detail } = memory;
      return { state: "breach_proposed", cause: "uncured", value, threshold: policy.breach_after_ms, detail };
    }
    const { value, threshold, detail } = memory;
    return { state, cause, value, threshold, detail };
  }
  return paused ? plain("paused", "pause_announced") : plain("healthy", "none");
}

/** Nothing keeps a good state alive but fresh evidence: without it the device, or the registry, is silent. */
function assessSilence(fold: DeviceFold, now_ms: number, policy: HealthPolicy): Assessment | null {
  if (fold.fresh_ms === null) return plain("stale", "never_reported");
  const heard_ms = fold.back_ms ?? fold.fresh_ms;
  const value = silence_ms(heard_ms, now_ms, fold.pause);
  // Once the registry has listened again for as long as silence may last, the silence is the device's.
  if (value <= policy.stale_after_ms) {
    return fold.back_ms === null ? null : plain("stale", "registry_silent");
  }
  return { state: "stale", cause: "device_silent", value, threshold: policy.stale_after_ms, detail: null };
}

/** Silence during an announced pause is not held against the device; that before and after it is. */
function silence_ms(heard_ms: number, now_ms: number, pause: DeviceFold["pause"]): number {
  if (pause === null) return now_ms - heard_ms;
  const excused = Math.min(pause.until_ms, now_ms) - Math.max(pause.from_ms, heard_ms);
  return now_ms - heard_ms - Math.max(0, excused);
}

function plain(state: HealthState, cause: HealthCause): Assessment {
  return { state, cause, value: null, threshold: null, detail: null };
}
