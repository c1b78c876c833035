import type { KeyObject } from "node:crypto";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { CaliberError } from "../errors.js";
import { pae } from "./pae.js";
import { parseEnvelope } from "./parseEnvelope.js";

/**
 * Opens an envelope that must be of one type and signed by one known key, and parses its JSON payload.
 *
 * @returns the parsed payload: signed by the key, of unknown shape.
 * @throws CaliberError ENVELOPE_MALFORMED, PAYLOAD_TYPE_UNKNOWN, SIGNATURE_*, JSON_MALFORMED
 */
export function openEnvelope(bytes: Uint8Array, payloadType: string, key: KeyObject): unknown {
  const envelope = parseEnvelope(bytes);
  if (envelope.payloadType !== payloadType) {
    throw new CaliberError("PAYLOAD_TYPE_UNKNOWN", `expected ${payloadType}`);
  }
  verifyEs256(pae(envelope.payloadType, envelope.payload), envelope.signature, key);
  try {
    return JSON.parse(envelope.payload.toString("utf8"));
  } catch (cause) {
    throw new CaliberError("JSON_MALFORMED", "the signed payload is not JSON", { cause });
  }
}
