import type { KeyObject } from "node:crypto";
import { signEs256 } from "../crypto/signEs256.js";
import type { Envelope } from "./envelope.js";
import { pae } from "./pae.js";
import { statementHash } from "./statementHash.js";

export type SignedEnvelope = { envelope: Envelope; statement: Buffer };

/** Signs a payload under its type with a P-256 private key. */
export function signEnvelope(payloadType: string, payload: Buffer, key: KeyObject): SignedEnvelope {
  const message = pae(payloadType, payload);
  return {
    envelope: { payloadType, payload, signature: signEs256(message, key) },
    statement: statementHash(message),
  };
}
