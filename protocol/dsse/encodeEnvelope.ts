import type { Envelope } from "./envelope.js";

/** The DSSE JSON envelope as UTF-8 bytes. `keyid` is an unauthenticated hint (DSSE v1.0.2). */
export function encodeEnvelope(envelope: Envelope, keyid: string): Buffer {
  const payload = envelope.payload.toString("base64");
  const sig = envelope.signature.toString("base64");
  return Buffer.from(
    `{"payloadType":${JSON.stringify(envelope.payloadType)},"payload":"${payload}","signatures":[{"keyid":"${keyid}","sig":"${sig}"}]}`,
  );
}
