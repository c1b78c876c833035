import { type KeyObject, verify } from "node:crypto";
import { CaliberError } from "../errors.js";
import { checkSignatureForm } from "./checkSignatureForm.js";

/**
 * Checks an ES256 signature (64-byte r‖s, low-S).
 *
 * @throws CaliberError SIGNATURE_MALFORMED, SIGNATURE_HIGH_S, SIGNATURE_INVALID
 */
export function verifyEs256(message: Uint8Array, signature: Uint8Array, key: KeyObject): void {
  checkSignatureForm(signature);
  if (!verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature)) {
    throw new CaliberError("SIGNATURE_INVALID", "the signature is not by this key over these bytes");
  }
}
