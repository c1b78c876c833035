import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { pae } from "../../protocol/dsse/pae.js";
import type { PayloadType } from "../../protocol/dsse/payloadTypes.js";

/** A signed statement as the enrolment listener takes it: DSSE JSON, as base64. */
export function statementOf(
  payloadType: PayloadType,
  body: object,
  sign: (message: Uint8Array) => Buffer,
): string {
  const payload = Buffer.from(JSON.stringify(body));
  const signature = sign(pae(payloadType, payload));
  return encodeEnvelope({ payloadType, payload, signature }, "").toString("base64");
}
