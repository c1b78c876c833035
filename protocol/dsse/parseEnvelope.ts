import { CaliberError } from "../errors.js";
import type { Envelope } from "./envelope.js";

const base64Pattern = /^[A-Za-z0-9+/_-]*={0,2}$/;

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
  if (typeof payload !== "string" || !base64Pattern.test(payload)) throw malformed("payload is not base64");
  if (!Array.isArray(signatures) || signatures.length !== 1) throw malformed("one signature is needed");
  const first: unknown = signatures[0];
  const sig =
    typeof first === "object" && first !== null ? (first as Record<string, unknown>).sig : undefined;
  if (typeof sig !== "string" || !base64Pattern.test(sig)) throw malformed("sig is not base64");
  const signature = Buffer.from(sig, "base64");
  if (signature.length !== 64) {
    throw new CaliberError("SIGNATURE_MALFORMED", `a signature has 64 bytes (r‖s), not ${signature.length}`);
  }
  return { payloadType, payload: Buffer.from(payload, "base64"), signature };
}

function malformed(why: string): CaliberError {
  return new CaliberError("ENVELOPE_MALFORMED", why);
}
