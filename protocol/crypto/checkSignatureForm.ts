import { CaliberError } from "../errors.js";
import { p256HalfOrder } from "./p256Order.js";

/**
 * Refuses all but the one form of an ES256 signature that caliberd knows: 64 bytes, s <= (n - 1)/2. Range checks of
 * r and s against zero and n are OpenSSL's.
 *
 * @throws CaliberError SIGNATURE_MALFORMED, SIGNATURE_HIGH_S
 */
export function checkSignatureForm(signature: Uint8Array): void {
  if (signature.length !== 64) {
    throw new CaliberError("SIGNATURE_MALFORMED", `a signature has 64 bytes (r‖s), not ${signature.length}`);
  }
  if (p256HalfOrder.compare(signature, 32, 64) < 0) {
    throw new CaliberError(
      "SIGNATURE_HIGH_S",
      "the signature has a high S: a second form of the same signature",
    );
  }
}
