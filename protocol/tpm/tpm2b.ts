/** A TPM2B: 16-bit length and the bytes. */
export function tpm2b(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
