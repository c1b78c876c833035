import { type ByteReader, byteReader } from "./byteReader.js";
import { evidenceError } from "./evidenceError.js";

/** Size of NVML's report buffer, which some collectors hand on whole. */
const maxReport_bytes = 0x2000;
/** DSP0274: a responder's opaque data has at most 1024 bytes. */
const maxOpaque_bytes = 1024;
const digest_bytes = 48;
const signature_bytes = 96;

/** A GET_MEASUREMENTS request with its MEASUREMENTS response (DMTF SPDM 1.1, DSP0274), taken apart, nothing verified. */
export type SpdmReport = {
  /** The requester's 32 bytes. */
  nonce: Buffer;
  measurements: { index: number; digest: Buffer }[];
  /** The vendor's own fields by their number. */
  opaque: Map<number, Buffer>;
  /** Request and response up to the signature: what is signed. */
  signed: Buffer;
  /** r‖s on P-384. */
  signature: Buffer;
  /** Zero bytes that a fixed-size buffer left behind the signature: not part of the report, and signed by nobody. */
  trailing_zero_bytes: number;
};

/**
 * Takes a measurement report apart by its own lengths. All of it is attacker-controlled.
 *
 * @throws CaliberError EVIDENCE_REPORT_TOO_LARGE, EVIDENCE_REPORT_TRUNCATED, EVIDENCE_REPORT_EXTENDED,
 * EVIDENCE_REPORT_MALFORMED
 */
export function parseSpdmReport(input: Uint8Array): SpdmReport {
  if (input.length > maxReport_bytes) {
    throw evidenceError("EVIDENCE_REPORT_TOO_LARGE", `a report has at most ${maxReport_bytes} bytes`);
  }
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const reader = byteReader(bytes, "EVIDENCE_REPORT_TRUNCATED");
  // Request: SPDM 1.1, GET_MEASUREMENTS, signature asked for, all measurements.
  expectBytes(reader, [0x11, 0xe0, 0x01, 0xff], "a request for all measurements, signed");
  const nonce = reader.take(32, "the nonce");
  if (reader.uint(1, "the slot") > 7) throw malformed("a device has certificate slots 0 to 7");
  expectBytes(reader, [0x11, 0x60], "a MEASUREMENTS response");
  // Two parameters that SPDM reserves for this request: signed as all the rest, and without meaning.
  reader.take(2, "the response's parameters");
  const blocks = reader.uint(1, "the number of measurements");
  const record = reader.take(reader.uint(3, "the record's length"), "the measurements");
  const measurements = readMeasurements(record, blocks);
  reader.take(32, "the responder's nonce");
  const opaqueLength = reader.uint(2, "the opaque data's length");
  if (opaqueLength > maxOpaque_bytes) throw malformed(`opaque data has at most ${maxOpaque_bytes} bytes`);
  const opaque = readOpaque(reader.take(opaqueLength, "the opaque data"));
  const signed = bytes.subarray(0, reader.at());
  const signature = reader.take(signature_bytes, "the signature");
  const trailing = bytes.subarray(reader.at());
  if (trailing.some((byte) => byte !== 0)) {
    throw evidenceError("EVIDENCE_REPORT_EXTENDED", "there is more behind the report's signature");
  }
  return { nonce, measurements, opaque, signed, signature, trailing_zero_bytes: trailing.length };
}

function readMeasurements(record: Buffer, blocks: number): SpdmReport["measurements"] {
  const reader = byteReader(record, "EVIDENCE_REPORT_MALFORMED");
  const found: SpdmReport["measurements"] = [];
  for (let last = 0; found.length < blocks; ) {
    const index = reader.uint(1, "a measurement's index");
    // Ascending, so that no index comes twice.
    if (index <= last) throw malformed("the measurements' indices do not ascend from 1");
    last = index;
    const specification = reader.uint(1, "a measurement's specification");
    const size = reader.uint(2, "a measurement's size");
    const type = reader.uint(1, "a measurement's type");
    const valueSize = reader.uint(2, "a measurement's value size");
    // DMTF's form; bit 7 of the type would say raw bits in place of a digest.
    if (specification !== 1 || type >= 0x80 || valueSize !== digest_bytes || size !== valueSize + 3) {
      throw malformed("a measurement is a SHA-384 digest in DMTF's form");
    }
    found.push({ index, digest: reader.take(valueSize, "a measurement") });
  }
  if (found.length === 0 || !reader.done()) throw malformed("the measurements do not fill their record");
  return found;
}

/** NVIDIA's opaque data: type, size and bytes, each number and length 16 bits. */
function readOpaque(bytes: Buffer): Map<number, Buffer> {
  const reader = byteReader(bytes, "EVIDENCE_REPORT_MALFORMED");
  const fields = new Map<number, Buffer>();
  while (!reader.done()) {
    const type = reader.uint(2, "an opaque field's type");
    // Two drivers in one report: whichever is believed, somebody else believes the other.
    if (fields.has(type)) throw malformed(`opaque field ${type} comes twice`);
    fields.set(type, reader.take(reader.uint(2, "an opaque field's size"), "an opaque field"));
  }
  return fields;
}

function expectBytes(reader: ByteReader, expected: number[], what: string): void {
  if (!reader.take(expected.length, what).equals(Buffer.from(expected))) throw malformed(`not ${what}`);
}

function malformed(message: string): Error {
  return evidenceError("EVIDENCE_REPORT_MALFORMED", message);
}
