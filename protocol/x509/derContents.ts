import asn1 from "node-forge/lib/asn1.js";
import { CaliberError } from "../errors.js";
import type { DerNode } from "./der.js";

const malformed = (why: string): CaliberError => new CaliberError("DER_MALFORMED", why);

/** Readers that hold a parsed, attacker-controlled value to the type that its place asks for. @throws DER_MALFORMED */
export const derContents = {
  sequence(node: DerNode | undefined): DerNode[] {
    if (
      node?.tagClass !== asn1.Class.UNIVERSAL ||
      node.type !== asn1.Type.SEQUENCE ||
      !Array.isArray(node.value)
    ) {
      throw malformed("a SEQUENCE is missing");
    }
    return node.value;
  },
  /** Contents of a primitive value; of a bit string without the count of unused bits, which must be 0. */
  bytes(node: DerNode | undefined, type: "INTEGER" | "OID" | "OCTETSTRING" | "BITSTRING"): Buffer {
    if (node?.tagClass !== asn1.Class.UNIVERSAL || node.type !== asn1.Type[type]) {
      throw malformed(`a value of type ${type} is missing`);
    }
    if (typeof node.value !== "string") throw malformed(`the value of type ${type} is constructed`);
    const bytes = Buffer.from(node.value, "latin1");
    if (type !== "BITSTRING") return bytes;
    if (bytes[0] !== 0) throw malformed("a bit string is not whole bytes");
    return bytes.subarray(1);
  },
  oid(node: DerNode | undefined): string {
    return asn1.derToOid(derContents.bytes(node, "OID").toString("latin1"));
  },
};
