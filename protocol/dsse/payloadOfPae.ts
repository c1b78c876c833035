import { isUtf8 } from "node:buffer";
import { CaliberError } from "../errors.js";

/**
 * The type and payload inside a PAE, by its lengths.
 *
 * @throws CaliberError PAE_MALFORMED
 */
export function payloadOfPae(bytes: Buffer): { payloadType: string; payload: Buffer } {
  const malformed = (): CaliberError =>
    new CaliberError("PAE_MALFORMED", "not a DSSE v1 pre-authentication encoding");
  const field = (from: number): { length: number; next: number } => {
    const end = bytes.indexOf(0x20, from);
    const digits = end === -1 ? "" : bytes.toString("latin1", from, end);
    if (!/^(0|[1-9][0-9]{0,8})$/.test(digits)) throw malformed();
    return { length: Number(digits), next: end + 1 };
  };
  if (bytes.toString("latin1", 0, 7) !== "DSSEv1 ") throw malformed();
  const type = field(7);
  const typeEnd = type.next + type.length;
  if (bytes[typeEnd] !== 0x20) throw malformed();
  const body = field(typeEnd + 1);
  if (body.next + body.length !== bytes.length) throw malformed();
  const payloadType = bytes.subarray(type.next, typeEnd);
  // Node would put U+FFFD for what is not UTF-8: one reading of two encodings.
  if (!isUtf8(payloadType)) throw malformed();
  return { payloadType: payloadType.toString("utf8"), payload: bytes.subarray(body.next) };
}
