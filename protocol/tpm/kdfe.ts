import { createHash } from "node:crypto";

/**
 * KDFe of TPM 2.0 Part 1, 11.4.10.3 (SP 800-56A) with SHA-256, for 256 bits:
 * `SHA-256([1] ‖ z ‖ label ‖ 00 ‖ partyU ‖ partyV)`. All three values are x coordinates, 32 bytes each.
 */
export function kdfe(z: Buffer, label: string, partyU: Buffer, partyV: Buffer): Buffer {
  return createHash("sha256")
    .update(Buffer.of(0, 0, 0, 1))
    .update(z)
    .update(`${label}\0`, "ascii")
    .update(partyU)
    .update(partyV)
    .digest();
}
