/**
 * Why the registry refuses a report, in the order in which it looks (design: size cap → DSSE shape → signature →
 * JSON → schema → chain rules). The codes travel in receipts and stand in the log: they never change meaning.
 */
export const refusalCodes = [
  "TOO_LARGE",
  "ENVELOPE_MALFORMED",
  "PAYLOAD_TYPE_UNKNOWN",
  "DEVICE_UNKNOWN",
  "DEVICE_NOT_OF_HOST",
  "SIGNATURE_MALFORMED",
  "SIGNATURE_HIGH_S",
  "SIGNATURE_INVALID",
  "JSON_MALFORMED",
  "SCHEMA_VERSION_UNKNOWN",
  "SCHEMA_INVALID",
  "DEVICE_MISMATCH",
  "HOST_MISMATCH",
  "EQUIVOCATION",
  "PREV_MISMATCH",
  "WINDOW_OVERLAP",
  "WINDOW_INVERTED",
  "KEY_NOT_IN_FORCE",
  "SUCCESSOR_INVALID",
  "WINDOW_TOO_LONG",
  "WINDOW_IN_FUTURE",
  "BEACON_UNKNOWN",
  "BEFORE_BEACON",
] as const;

export type RefusalCode = (typeof refusalCodes)[number];
