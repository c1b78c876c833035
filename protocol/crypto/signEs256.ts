import { type KeyObject, sign } from "node:crypto";
import { normalizeLowS } from "./normalizeLowS.js";

/** ES256 (ECDSA P-256, SHA-256) over `message`: 64-byte r‖s, low-S. */
export function signEs256(message: Uint8Array, key: KeyObject): Buffer {
  return normalizeLowS(sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }));
}
