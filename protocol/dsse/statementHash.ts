import { sha256 } from "../crypto/sha256.js";

/**
 * A signed thing's name: SHA-256 of its PAE. Never a hash over envelope or signature bytes, since JSON can be
 * re-encoded and ECDSA is randomized: those name a transport, not a statement.
 */
export function statementHash(paeBytes: Uint8Array): Buffer {
  return sha256(paeBytes);
}
