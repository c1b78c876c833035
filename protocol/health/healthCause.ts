/**
 * Why a state was entered. The number is the one CaliberHealth carries on chain; numbers are never reused.
 */
export const healthCauses = {
  none: 0,
  never_reported: 1,
  device_silent: 2,
  registry_silent: 3,
  gpu_lost: 10,
  gpu_missing: 11,
  probe_timeout: 12,
  ecc_uncorrectable: 20,
  row_remap_pending: 21,
  row_remap_failure: 22,
  recovery_action: 23,
  xid_impaired: 24,
  xid_watch: 25,
  sram_threshold_exceeded: 26,
  utilization_low: 30,
  equivocation: 40,
  identity_taken: 41,
  identity_changed: 42,
  implausible: 43,
  pause_announced: 50,
  uncured: 60,
  retired: 70,
} as const;

export type HealthCause = keyof typeof healthCauses;
