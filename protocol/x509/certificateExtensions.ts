import { hash } from "node:crypto";
import { CaliberError } from "../errors.js";
import { type DerNode, der } from "./der.js";
import { encodeDer } from "./encodeDer.js";
import { x509Oids } from "./x509Oids.js";

/** What a certificate names (RFC 5280 4.2.1.6). An IP address is its 4 or 16 bytes. */
export type SubjectAltName =
  | { type: "uri"; value: string }
  | { type: "dns"; value: string }
  | { type: "ip"; value: Buffer };

export type CertificateUsage = "ca" | "server" | "client";

const digitalSignature = der.bits(Buffer.of(0x80), 7);
const keyCertSignAndCrlSign = der.bits(Buffer.of(0x06), 1);

/** RFC 7093 method 1: the leftmost 160 bits of SHA-256 over the bits of the public key, which end the SPKI. */
const keyIdentifier = (spki: Buffer): Buffer => hash("sha256", spki.subarray(-65), "buffer").subarray(0, 20);

const extension = (oid: string, critical: boolean, value: DerNode): DerNode =>
  critical
    ? der.sequence(der.oid(oid), der.boolean(true), der.octets(encodeDer(value)))
    : der.sequence(der.oid(oid), der.octets(encodeDer(value)));

function generalName(name: SubjectAltName): DerNode {
  if (name.type === "ip") {
    if (name.value.length !== 4 && name.value.length !== 16) {
      throw new CaliberError("NAME_INVALID", "an IP address has 4 or 16 bytes");
    }
    return der.taggedBytes(7, name.value);
  }
  // IA5String without controls and blanks.
  if (!/^[\x21-\x7e]{1,255}$/.test(name.value)) {
    throw new CaliberError("NAME_INVALID", "a name in a certificate has 1 to 255 visible ASCII characters");
  }
  return der.taggedBytes(name.type === "uri" ? 6 : 2, Buffer.from(name.value, "latin1"));
}

/**
 * Extensions of a certificate over `spki`, issued by the key `issuerSpki` (RFC 5280 4.2).
 *
 * @throws CaliberError NAME_INVALID
 */
export function certificateExtensions(
  usage: CertificateUsage,
  names: readonly SubjectAltName[],
  spki: Buffer,
  issuerSpki: Buffer,
): DerNode {
  const ca = usage === "ca";
  // A CA of ours issues end certificates only: path length 0.
  const constraints = ca ? der.sequence(der.boolean(true), der.integer(Buffer.of(0))) : der.sequence();
  const list = [
    extension(x509Oids.basicConstraints, true, constraints),
    extension(x509Oids.keyUsage, true, ca ? keyCertSignAndCrlSign : digitalSignature),
    extension(x509Oids.subjectKeyIdentifier, false, der.octets(keyIdentifier(spki))),
    extension(
      x509Oids.authorityKeyIdentifier,
      false,
      der.sequence(der.taggedBytes(0, keyIdentifier(issuerSpki))),
    ),
  ];
  if (!ca) {
    const purpose = usage === "client" ? x509Oids.clientAuth : x509Oids.serverAuth;
    list.push(extension(x509Oids.extKeyUsage, false, der.sequence(der.oid(purpose))));
  }
  if (names.length > 0) {
    list.push(extension(x509Oids.subjectAltName, false, der.sequence(...names.map(generalName))));
  }
  return der.sequence(...list);
}
