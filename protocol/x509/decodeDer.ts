import asn1 from "node-forge/lib/asn1.js";
import { CaliberError } from "../errors.js";
import type { DerNode } from "./der.js";
import { encodeDer } from "./encodeDer.js";

/**
 * Parses DER. The bytes are attacker-controlled: what does not encode back to the very same bytes is refused, so that
 * a signature over a part of it can be checked on the parsed value.
 *
 * @throws CaliberError DER_MALFORMED
 */
export function decodeDer(bytes: Uint8Array): DerNode {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let node: DerNode;
  try {
    node = asn1.fromDer(input.toString("latin1"), {
      strict: true,
      parseAllBytes: true,
      // Bits are keys and signatures here; guessing at a structure inside them would change what is encoded back.
      decodeBitStrings: false,
      maxDepth: 16,
    });
  } catch (cause) {
    throw new CaliberError("DER_MALFORMED", "not an ASN.1 value", { cause });
  }
  if (!encodeDer(node).equals(input)) throw new CaliberError("DER_MALFORMED", "the encoding is not DER");
  return node;
}
