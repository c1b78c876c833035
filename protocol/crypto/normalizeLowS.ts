import { p256HalfOrder, p256Order } from "./p256Order.js";

/**
 * Gives the same ECDSA signature (64-byte r‖s) with s <= (n - 1)/2. OpenSSL emits the high form half the time, and
 * OpenZeppelin's P256 refuses it.
 */
export function normalizeLowS(signature: Buffer): Buffer {
  if (p256HalfOrder.compare(signature, 32, 64) >= 0) return signature;
  const low = p256Order - BigInt(`0x${signature.toString("hex", 32, 64)}`);
  const out = Buffer.from(signature);
  out.write(low.toString(16).padStart(64, "0"), 32, "hex");
  return out;
}
