import asn1 from "node-forge/lib/asn1.js";
import { decodeDer } from "../x509/decodeDer.js";
import type { DerNode } from "../x509/der.js";
import { derContents } from "../x509/derContents.js";
import { x509Oids } from "../x509/x509Oids.js";
import { evidenceError } from "./evidenceError.js";
import { evidenceOids } from "./evidenceOids.js";

/** What the extensions of a device's certificate say. */
export type CertificateExtensions = {
  is_ca: boolean;
  /** Null: no limit. */
  path_length: number | null;
  /** First byte of keyUsage (RFC 5280 4.2.1.3): 0x80 digitalSignature, 0x04 keyCertSign. 0 when absent. */
  key_usage: number;
  /** Names `manufacturer:product:serial`. */
  device_names: string[];
  /** SHA-384 digests of the firmware for which the key was certified, hex. */
  fwids: string[];
};

/** Reads a certificate's `[3]` extensions. @throws CaliberError DER_MALFORMED, EVIDENCE_CHAIN_MALFORMED */
export function readExtensions(list: DerNode[]): CertificateExtensions {
  const found: CertificateExtensions = {
    is_ca: false,
    path_length: null,
    key_usage: 0,
    device_names: [],
    fwids: [],
  };
  const seen = new Set<string>();
  for (const [first, ...rest] of list.map(derContents.sequence)) {
    const oid = derContents.oid(first);
    if (seen.has(oid)) throw malformed("an extension comes twice");
    seen.add(oid);
    const reader = readers[oid];
    if (reader !== undefined) {
      reader(decodeDer(derContents.bytes(rest.at(-1), "OCTETSTRING")), found);
    } else if (rest.length > 1) {
      // RFC 5280 4.2: what is critical and not understood is refused. DER leaves out `critical` when it is false.
      throw malformed(`unknown critical extension ${oid}`);
    }
  }
  return found;
}

const readers: Record<string, (value: DerNode, found: CertificateExtensions) => void> = {
  [x509Oids.basicConstraints]: (value, found) => {
    const [ca, pathLength] = derContents.sequence(value);
    found.is_ca = ca?.type === asn1.Type.BOOLEAN && ca.value === "\xff";
    if (pathLength !== undefined) {
      const bytes = derContents.bytes(pathLength, "INTEGER");
      if (bytes.length !== 1) throw malformed("a path length is a small number");
      found.path_length = bytes[0]!;
    }
  },
  [x509Oids.keyUsage]: ({ type, value }, found) => {
    if (type !== asn1.Type.BITSTRING || typeof value !== "string") throw malformed("keyUsage is not bits");
    found.key_usage = value.charCodeAt(1) || 0;
  },
  [x509Oids.subjectAltName]: (value, found) => {
    for (const name of derContents.sequence(value)) {
      // otherName: [0] { OID, [0] EXPLICIT value }
      if (name.tagClass !== asn1.Class.CONTEXT_SPECIFIC || Number(name.type) !== 0) continue;
      const [oid, explicit] = childrenOf(name);
      if (derContents.oid(oid) !== evidenceOids.deviceInfo) continue;
      const [text] = childrenOf(explicit);
      if (text?.type !== asn1.Type.UTF8 || typeof text.value !== "string") {
        throw malformed("a device's name is not text");
      }
      found.device_names.push(text.value);
    }
  },
  [evidenceOids.compositeDeviceId]: (value, found) => collectFwids(value, found.fwids),
  [evidenceOids.tcbInfo]: (value, found) => collectFwids(value, found.fwids),
};

/** Every `{ sha384, digest }` within: the two forms nest it differently. decodeDer has bounded the depth. */
function collectFwids(node: DerNode, fwids: string[]): void {
  if (!Array.isArray(node.value)) return;
  const [oid, digest] = node.value;
  if (node.value.length === 2 && oid?.type === asn1.Type.OID && digest?.type === asn1.Type.OCTETSTRING) {
    if (derContents.oid(oid) === evidenceOids.sha384) {
      fwids.push(derContents.bytes(digest, "OCTETSTRING").toString("hex"));
    }
    return;
  }
  for (const child of node.value) collectFwids(child, fwids);
}

function childrenOf(node: DerNode | undefined): DerNode[] {
  if (!Array.isArray(node?.value)) throw malformed("a name is not of its type");
  return node.value;
}

function malformed(message: string): Error {
  return evidenceError("EVIDENCE_CHAIN_MALFORMED", message);
}
