import { type KeyObject, sign } from "node:crypto";

/** What a test's report says; every part can be made wrong. */
export type SpdmReportParts = {
  nonce: Buffer;
  key: KeyObject;
  measurements: {
    index: number;
    digest: Buffer;
    specification?: number;
    type?: number;
    /** Of the digest, and of the whole block behind its index. */
    size?: number;
    block_size?: number;
  }[];
  opaque: [type: number, bytes: Buffer][];
  /** First bytes of request and response, and the slot. */
  request?: number[];
  slot?: number;
  response?: number[];
  /** In place of the true ones. */
  blocks?: number;
  record_length?: number;
  opaque_length?: number;
};

const le = (value: number, bytes: number): Buffer => {
  const out = Buffer.alloc(bytes);
  out.writeUIntLE(value, 0, bytes);
  return out;
};

/** A GET_MEASUREMENTS request with its MEASUREMENTS response, signed as a device signs it. */
export function writeSpdmReport(parts: SpdmReportParts): Buffer {
  const record = Buffer.concat(
    parts.measurements.flatMap(({ index, digest, specification = 1, type = 1, ...sizes }) => {
      const size = sizes.size ?? digest.length;
      const head = [Buffer.of(index, specification), le(sizes.block_size ?? size + 3, 2)];
      return [...head, Buffer.of(type), le(size, 2), digest];
    }),
  );
  const opaque = Buffer.concat(
    parts.opaque.flatMap(([type, bytes]) => [le(type, 2), le(bytes.length, 2), bytes]),
  );
  const signed = Buffer.concat([
    Buffer.from(parts.request ?? [0x11, 0xe0, 0x01, 0xff]),
    parts.nonce,
    Buffer.of(parts.slot ?? 0),
    Buffer.from(parts.response ?? [0x11, 0x60, 0x00, 0x00]),
    Buffer.of(parts.blocks ?? parts.measurements.length),
    le(parts.record_length ?? record.length, 3),
    record,
    Buffer.alloc(32, 0x5a),
    le(parts.opaque_length ?? opaque.length, 2),
    opaque,
  ]);
  return Buffer.concat([signed, sign("sha384", signed, { key: parts.key, dsaEncoding: "ieee-p1363" })]);
}
