import { sha256 } from "../crypto/sha256.js";

/** Most leaves fit: hashing out of one place saves a copy's memory for each. Its first byte stays the prefix. */
const scratch = Buffer.alloc(32 * 1024);

/** RFC 6962 §2.1: SHA-256(0x00 ‖ data). The prefix keeps a leaf from ever passing for a node. */
export function leafHash(data: Uint8Array): Buffer {
  const length = data.length + 1;
  const input = length <= scratch.length ? scratch.subarray(0, length) : Buffer.alloc(length);
  input.set(data, 1);
  return sha256(input);
}
