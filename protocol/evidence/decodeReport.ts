import { evidenceError } from "./evidenceError.js";

/**
 * The report in a file, which holds it raw or as hex digits.
 *
 * @throws CaliberError EVIDENCE_ENCODING_INVALID
 */
export function decodeReport(file: Uint8Array): Buffer {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const text = bytes.toString("latin1");
  // A raw report begins with 0x11, which no text does.
  if (!/^[0-9a-fA-F\s]*$/.test(text)) return bytes;
  const digits = text.replace(/\s/g, "");
  if (digits.length === 0) throw evidenceError("EVIDENCE_ENCODING_INVALID", "the report is empty");
  if (digits.length % 2 !== 0) {
    throw evidenceError("EVIDENCE_ENCODING_INVALID", "the report's hex digits are not whole bytes");
  }
  return Buffer.from(digits, "hex");
}
