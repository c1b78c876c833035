import { CaliberError } from "../errors.js";
import type { Envelope } from "./envelope.js";

/**
 * Takes a DSSE JSON envelope apart. The bytes are attacker-controlled; the JSON around the payload is transport
 * and may have been re-encoded on the way, so nothing of it but payload, type and signature is kept.
 *
 * @throws CaliberError ENVELOPE_MALFORMED, SIGNATURE_MALFORMED
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (cause) {
    throw new CaliberError("ENVELOPE_MALFORMED", "the envelope is not JSON", { cause });
  }
  if (typeof json !== "object" || json === null) throw malformed("the envelope is not an object");
  const { payloadType, payload, signatures } = json as Record<string, unknown>;
  if (typeof payloadType !== "string") throw malformed("payloadType is missing");
  const body = decodeBase64(payload);
  if (body === null) throw malformed("payload is not base64");
  if (!Array.isArray(signatures) || signatures.length !== 1) throw malformed("one signature is needed");
  const first: unknown = signatures[0];
  const sig =
    typeof first === "object" && first !== null ? (first as Record<string, unknown>).sig : undefined;
  const signature = decodeBase64(sig);
  if (signature === null) throw malformed("sig is not base64");
  if (signature.length !== 64) {
    throw new CaliberError("SIGNATURE_MALFORMED", `a signature has 64 bytes (r‖s), not ${signature.length}`);
  }
  return { payloadType, payload: body, signature };
}

/**
 * Base64 in either alphabet, padded or not (DSSE v1.0.2 takes both), or null. Node skips what it cannot read, so a text
 * that was all base64 is known by the length of what came out; cheaper than a pattern on the way of every report.
 */
function decodeBase64(text: unknown): Buffer | null {
  if (typeof text !== "string") return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = Buffer.from(text, "base64");
  return bytes.length === Math.floor(((text.length - padding) * 3) / 4) ? bytes : null;
}

function malformed(why: string): CaliberError {
  return new CaliberError("ENVELOPE_MALFORMED", why);
}
