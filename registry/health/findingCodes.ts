/**
 * Findings that the fold itself makes, in the order of docs/health.md. Beside them an event may carry a code by which a
 * report was refused (refusalCodes) or one of implausible readings (plausibilityCodes). Codes never change meaning.
 */
export const findingCodes = [
  "EQUIVOCATION",
  "IDENTITY_TAKEN",
  "IDENTITY_CHANGED",
  "IDENTITY_OUTRANKED",
  "DISPUTE_DECIDED",
  "ATTESTATION_FAILED",
  "ATTESTATION_MISMATCH",
  "ATTESTATION_EXPIRED",
  "KEY_IN_TWO_PLACES",
  "KEY_ROTATED",
  "MACHINE_CHANGED",
  "HOST_GPUS_CHANGED",
  "PART_CHANGED",
  "VBIOS_CHANGED",
  "DRIVER_CHANGED",
  "BEACON_OLD",
  "CLOCK_BEHIND",
  "REPORTS_MISSING",
  "REPORTS_DROPPED",
  "STATE_LOST",
] as const;

export type FindingCode = (typeof findingCodes)[number];
