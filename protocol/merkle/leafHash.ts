import { hash } from "node:crypto";

const leafPrefix = Buffer.of(0x00);

/** RFC 6962 §2.1: SHA-256(0x00 ‖ data). The prefix keeps a leaf from ever passing for a node. */
export function leafHash(data: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([leafPrefix, data]), "buffer");
}
