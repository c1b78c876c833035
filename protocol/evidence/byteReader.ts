import { type EvidenceErrorCode, evidenceError } from "./evidenceError.js";

/** Reads attacker-controlled bytes front to back; every read is held against what is left. */
export type ByteReader = {
  take(count: number, what: string): Buffer;
  /** Little-endian, as SPDM has it (DSP0274). */
  uint(bytes: 1 | 2 | 3, what: string): number;
  /** How many bytes have been read. */
  at(): number;
  /** Whether all bytes have been read. */
  done(): boolean;
};

/** @param code what to throw when the bytes end too early. */
export function byteReader(bytes: Buffer, code: EvidenceErrorCode): ByteReader {
  let at = 0;
  const take = (count: number, what: string): Buffer => {
    if (count > bytes.length - at) throw evidenceError(code, `the bytes end within ${what}`);
    at += count;
    return bytes.subarray(at - count, at);
  };
  return {
    take,
    uint: (count, what) => take(count, what).readUIntLE(0, count),
    at: () => at,
    done: () => at === bytes.length,
  };
}
