import type { asn1 as forge } from "node-forge";
import asn1 from "node-forge/lib/asn1.js";

/** One ASN.1 value of the codec; leaf values are binary strings. */
export type DerNode = forge.Asn1;

const { Class, Type } = asn1;
const universal = (type: forge.Type, value: string | DerNode[]): DerNode =>
  asn1.create(Class.UNIVERSAL, type, Array.isArray(value), value);
const binary = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

/** Builders of the ASN.1 types that certificates and requests need. Lengths are the codec's business. */
export const der = {
  sequence: (...items: DerNode[]) => universal(Type.SEQUENCE, items),
  set: (...items: DerNode[]) => universal(Type.SET, items),
  oid: (dotted: string) => universal(Type.OID, asn1.oidToDer(dotted).getBytes()),
  /** Big-endian two's complement, as it stands. */
  integer: (bytes: Uint8Array) => universal(Type.INTEGER, binary(bytes)),
  boolean: (value: boolean) => universal(Type.BOOLEAN, value ? "\xff" : "\x00"),
  utf8: (text: string) => universal(Type.UTF8, binary(Buffer.from(text, "utf8"))),
  octets: (bytes: Uint8Array) => universal(Type.OCTETSTRING, binary(bytes)),
  bits: (bytes: Uint8Array, unused = 0) =>
    universal(Type.BITSTRING, String.fromCharCode(unused) + binary(bytes)),
  /** RFC 5280 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050. */
  time: (time_ms: number) => {
    const date = new Date(time_ms);
    return date.getUTCFullYear() < 2050
      ? universal(Type.UTCTIME, asn1.dateToUtcTime(date))
      : universal(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
  },
  /** `[tag] EXPLICIT`, or `[tag] IMPLICIT` of a constructed type. */
  tagged: (tag: number, ...items: DerNode[]) => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, items),
  /** `[tag] IMPLICIT` of a primitive type. */
  taggedBytes: (tag: number, bytes: Uint8Array) =>
    asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes)),
};
