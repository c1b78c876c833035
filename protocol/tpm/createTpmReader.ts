import { CaliberError } from "../errors.js";

/** Reads big-endian TPM structures (TPM 2.0 Part 2) from bytes that an attacker controls. */
export type TpmReader = {
  u8(name: string): number;
  u16(name: string): number;
  u32(name: string): number;
  u64(name: string): bigint;
  /** A TPM2B: 16-bit length and as many bytes, at most `limit_bytes`. The bytes are not copied. */
  sized(name: string, limit_bytes: number): Buffer;
  /** @throws CaliberError TPM_MALFORMED when bytes are left over: a structure has one encoding. */
  end(): void;
};

/** Every read throws CaliberError TPM_MALFORMED instead of going past the end. */
export function createTpmReader(bytes: Buffer, structure: string): TpmReader {
  let at = 0;
  const take = (name: string, length: number): Buffer => {
    if (bytes.length - at < length) throw malformed(`${structure} is cut short at ${name}`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    u8: (name) => take(name, 1).readUInt8(),
    u16: (name) => take(name, 2).readUInt16BE(),
    u32: (name) => take(name, 4).readUInt32BE(),
    u64: (name) => take(name, 8).readBigUInt64BE(),
    sized(name, limit_bytes) {
      const length = take(name, 2).readUInt16BE();
      if (length > limit_bytes)
        throw malformed(`${name} of ${structure} is longer than ${limit_bytes} bytes`);
      return take(name, length);
    },
    end() {
      if (at !== bytes.length) throw malformed(`${structure} has ${bytes.length - at} bytes too many`);
    },
  };
}

function malformed(why: string): CaliberError {
  return new CaliberError("TPM_MALFORMED", why);
}
