import { createHmac } from "node:crypto";

/**
 * KDFa of TPM 2.0 Part 1, 11.4.10.2 (SP 800-108 in counter mode) with HMAC-SHA-256, for one block at most:
 * `HMAC(key, [1] ‖ label ‖ 00 ‖ contextU ‖ contextV ‖ [bits])`, its leading bits.
 */
export function kdfa(
  key: Buffer,
  label: string,
  contextU: Buffer,
  contextV: Buffer,
  bits: 128 | 256,
): Buffer {
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(1, 0);
  ends.writeUInt32BE(bits, 4);
  return createHmac("sha256", key)
    .update(ends.subarray(0, 4))
    .update(`${label}\0`, "ascii")
    .update(contextU)
    .update(contextV)
    .update(ends.subarray(4))
    .digest()
    .subarray(0, bits / 8);
}
