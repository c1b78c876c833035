import asn1 from "node-forge/lib/asn1.js";
import type { DerNode } from "./der.js";

/** DER bytes of an ASN.1 value. */
export function encodeDer(node: DerNode): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), "latin1");
}
