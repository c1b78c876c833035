import { sha256 } from "../crypto/sha256.js";

const scratch = Buffer.alloc(65);
scratch[0] = 0x01;

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right), both 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  scratch.set(left, 1);
  scratch.set(right, 33);
  return sha256(scratch);
}
