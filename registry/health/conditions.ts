import type { HealthCause } from "../../protocol/health/healthCause.js";
import type { HealthState } from "../../protocol/health/healthState.js";
import type { Implausibility, TelemetryBody, XidEvent } from "../../protocol/report/schema.js";
import type { ConditionMemory, DeviceFold } from "./deviceFold.js";
import type { HealthPolicy } from "./policy.js";
import { impairingXid, watchedXid, xidText } from "./xidFacts.js";

/** What one report says of one rule. `between` is the hysteresis band; `unknown` leaves all as it was. */
type Observation = {
  verdict: "bad" | "good" | "between" | "unknown";
  value: number | null;
  threshold: number | null;
  /** The facts in words; null where the value says all. A good report leaves those of the last bad one. */
  detail: string | null;
};

type Condition = {
  cause: HealthCause;
  state: HealthState;
  observe(body: TelemetryBody, fold: DeviceFold, policy: HealthPolicy): Observation;
  raise_ms(policy: HealthPolicy): number;
  cure_ms(policy: HealthPolicy): number;
};

const unknown: Observation = { verdict: "unknown", value: null, threshold: null, detail: null };
const set: Observation = { verdict: "bad", value: 1, threshold: 1, detail: null };
const clear: Observation = { verdict: "good", value: 0, threshold: 1, detail: null };
const flag = (bad: boolean | null): Observation => (bad === null ? unknown : bad ? set : clear);
const atOnce = (): number => 0;

/** Worst first: the first active one decides the state. */
export const conditions: readonly Condition[] = [
  {
    cause: "gpu_lost",
    state: "lost",
    observe: ({ presence }) => flag(presence === "lost"),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.lost_cure_ms,
  },
  {
    cause: "gpu_missing",
    state: "lost",
    observe: ({ presence }) => flag(presence === "missing"),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.lost_cure_ms,
  },
  {
    cause: "row_remap_failure",
    state: "impaired",
    observe: ({ remapped_rows }) => flag(remapped_rows?.failure ?? null),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.remap_cure_ms,
  },
  {
    cause: "sram_threshold_exceeded",
    state: "impaired",
    observe: ({ sram_threshold_exceeded }) => flag(sram_threshold_exceeded),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.ecc_cure_ms,
  },
  {
    cause: "ecc_uncorrectable",
    state: "impaired",
    observe: observeEcc,
    raise_ms: atOnce,
    cure_ms: (policy) => policy.ecc_cure_ms,
  },
  {
    cause: "xid_impaired",
    state: "impaired",
    observe: (body) => observeXid(body, impairingXid(body)),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.xid_cure_ms,
  },
  {
    cause: "implausible",
    state: "watch",
    observe: observeReadings,
    raise_ms: atOnce,
    cure_ms: (policy) => policy.implausible_cure_ms,
  },
  {
    cause: "row_remap_pending",
    state: "watch",
    observe: ({ remapped_rows }) => flag(remapped_rows?.pending ?? null),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.remap_cure_ms,
  },
  {
    cause: "recovery_action",
    state: "watch",
    observe: ({ recovery_action }) => flag(recovery_action === null ? null : recovery_action !== "none"),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.recovery_cure_ms,
  },
  {
    cause: "xid_watch",
    state: "watch",
    observe: (body) => observeXid(body, watchedXid(body)),
    raise_ms: atOnce,
    cure_ms: (policy) => policy.xid_cure_ms,
  },
  {
    cause: "probe_timeout",
    state: "watch",
    observe: ({ presence }) => flag(presence === "probe_timeout"),
    raise_ms: (policy) => policy.probe_raise_ms,
    cure_ms: (policy) => policy.probe_cure_ms,
  },
  {
    cause: "utilization_low",
    state: "watch",
    observe(body, _fold, policy) {
      const value = (body.sm_activity_permille ?? body.util_permille)?.mean ?? null;
      if (value === null) return unknown;
      const threshold = policy.util_low_permille;
      if (value < threshold) return { verdict: "bad", value, threshold, detail: null };
      const verdict = value >= policy.util_clear_permille ? "good" : "between";
      return { verdict, value, threshold, detail: null };
    },
    raise_ms: (policy) => policy.util_raise_ms,
    cure_ms: (policy) => policy.util_cure_ms,
  },
];

/**
 * Volatile counters fall to zero with a driver reload, so a rise of the aggregate since the last report is bad as
 * well: a reload must not hide an error.
 */
function observeEcc(body: TelemetryBody, fold: DeviceFold): Observation {
  const volatile = uncorrectable(body.ecc_volatile);
  const aggregate = uncorrectable(body.ecc_aggregate);
  const before = fold.ecc_aggregate_uncorrectable;
  const rise = aggregate !== null && before !== null ? Math.max(0, aggregate - before) : 0;
  if (volatile === null && aggregate === null) return unknown;
  const value = Math.max(volatile ?? 0, rise);
  return { verdict: value > 0 ? "bad" : "good", value, threshold: 1, detail: null };
}

/** A GPU that is not there tells no Xids: their absence then is no cure. */
function observeXid({ presence }: TelemetryBody, event: XidEvent | null): Observation {
  if (event !== null) return { verdict: "bad", value: event.xid, threshold: null, detail: xidText(event) };
  return presence === "present" ? clear : unknown;
}

/** The latest window's readings, and the inventory that they are told under for as long as it stands. */
function observeReadings(_body: TelemetryBody, fold: DeviceFold): Observation {
  const standing = fold.inventory?.implausible ?? nothing;
  const value = fold.implausible.length + standing.length;
  if (value === 0) return clear;
  const codes = [...fold.implausible, ...standing].map(({ code }) => code);
  return { verdict: "bad", value, threshold: 1, detail: codes.join(", ").slice(0, 200) };
}

const nothing: readonly Implausibility[] = [];

/** Uncorrectable errors of both memories together; null when neither is told. */
export function uncorrectable(ecc: TelemetryBody["ecc_volatile"]): number | null {
  if (ecc === null || (ecc.sram_uncorrectable === null && ecc.dram_uncorrectable === null)) return null;
  return (ecc.sram_uncorrectable ?? 0) + (ecc.dram_uncorrectable ?? 0);
}

/** Lets one report's evidence, whose window spans `start_ms` … `end_ms`, move the rules' memory. */
export function observeConditions(
  fold: DeviceFold,
  body: TelemetryBody,
  window: { start_ms: number; end_ms: number },
  policy: HealthPolicy,
): void {
  for (const condition of conditions) {
    const seen = condition.observe(body, fold, policy);
    if (seen.verdict === "unknown") continue;
    const known = fold.conditions[condition.cause];
    if (known === undefined && seen.verdict !== "bad") continue;
    const memory = known ?? freshMemory();
    if (seen.verdict === "bad" || memory.detail === null) {
      memory.value = seen.value;
      memory.threshold = seen.threshold;
      memory.detail = seen.detail;
    }
    fold.conditions[condition.cause] = memory;
    if (seen.verdict === "bad") {
      memory.good_since_ms = null;
      memory.bad_since_ms ??= window.start_ms;
      if (window.end_ms - memory.bad_since_ms >= condition.raise_ms(policy)) memory.active = true;
    } else if (seen.verdict === "good") {
      memory.bad_since_ms = null;
      memory.good_since_ms ??= window.start_ms;
      if (window.end_ms - memory.good_since_ms >= condition.cure_ms(policy)) memory.active = false;
    } else {
      memory.bad_since_ms = null;
      memory.good_since_ms = null;
    }
    if (!memory.active && memory.bad_since_ms === null) delete fold.conditions[condition.cause];
  }
  fold.ecc_aggregate_uncorrectable = uncorrectable(body.ecc_aggregate) ?? fold.ecc_aggregate_uncorrectable;
}

function freshMemory(): ConditionMemory {
  return {
    active: false,
    bad_since_ms: null,
    good_since_ms: null,
    value: null,
    threshold: null,
    detail: null,
  };
}
