import type { RefusalCode } from "../../protocol/refusal.js";

/**
 * Refusals that stand however often the same bytes are sent. All others, also codes that this agent does not know, may
 * end: the device is enrolled, a clock catches up, a restored registry learns of its beacons again.
 */
export const incurableRefusals: ReadonlySet<string> = new Set<RefusalCode>([
  "TOO_LARGE",
  "ENVELOPE_MALFORMED",
  "PAYLOAD_TYPE_UNKNOWN",
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
  "BEFORE_BEACON",
]);
