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
};

/**
 * What a device's record amounts to at one moment of the log's time. Dispute outranks all; an announced pause
 * outranks silence, which is what it was announced for.
 */
export function assess(fold: DeviceFold, now_ms: number, policy: HealthPolicy): Assessment {
  if (fold.dispute !== null) return plain("disputed", fold.dispute);
  if (fold.pause !== null && now_ms >= fold.pause.from_ms && now_ms < fold.pause.until_ms) {
    return plain("paused", "pause_announced");
  }
  if (fold.fresh_ms === null) return plain("stale", "never_reported");
  if (fold.blind) return plain("stale", "registry_silent");
  // Silence during an announced pause is not held against the device.
  const heard_ms = Math.max(fold.fresh_ms, Math.min(fold.pause?.until_ms ?? 0, now_ms));
  if (now_ms - heard_ms > policy.stale_after_ms) {
    return {
      state: "stale",
      cause: "device_silent",
      value: now_ms - heard_ms,
      threshold: policy.stale_after_ms,
    };
  }
  for (const condition of conditions) {
    const memory = fold.conditions[condition.cause];
    if (memory?.active !== true) continue;
    const bad = condition.state === "lost" || condition.state === "impaired";
    if (bad && fold.bad_since_ms !== null && now_ms - fold.bad_since_ms >= policy.breach_after_ms) {
      return {
        state: "breach_proposed",
        cause: "uncured",
        value: now_ms - fold.bad_since_ms,
        threshold: policy.breach_after_ms,
      };
    }
    return {
      state: condition.state,
      cause: condition.cause,
      value: memory.value,
      threshold: memory.threshold,
    };
  }
  return plain("healthy", "none");
}

function plain(state: HealthState, cause: HealthCause): Assessment {
  return { state, cause, value: null, threshold: null };
}
