import { hash } from "node:crypto";

/**
 * SHA-256, 32 bytes. By way of a one-byte string: Node gives a digest asked for as a buffer memory of its own outside the
 * heap, which takes as long as hashing 500 bytes does and has to be collected.
 */
export function sha256(data: Uint8Array): Buffer {
  return Buffer.from(hash("sha256", data, "binary"), "latin1");
}
