import { type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { publicKeyFromSpki, spkiOf } from "../crypto/spki.js";
import { CaliberError } from "../errors.js";
import {
  type CertificateUsage,
  certificateExtensions,
  type SubjectAltName,
} from "./certificateExtensions.js";
import { decodeDer } from "./decodeDer.js";
import { type DerNode, der } from "./der.js";
import { derContents } from "./derContents.js";
import { distinguishedName } from "./distinguishedName.js";
import { encodeDer } from "./encodeDer.js";
import { encodePem } from "./pem.js";
import { x509Oids } from "./x509Oids.js";

/** How far a relying clock may be behind ours. */
const skew_ms = 5 * 60_000;

export type CertificateOptions = {
  /** P-256 key that signs, and its certificate (PEM); null when the certificate is to be self-signed. */
  issuer: { key: KeyObject; certificate: string | null };
  /** 91-byte SPKI of the key that the certificate is for. */
  spki: Buffer;
  commonName: string;
  usage: CertificateUsage;
  /** A client certificate names exactly one URI: its holder's identity. */
  names: readonly SubjectAltName[];
  /** The certificate is valid from 5 minutes before. */
  notBefore_ms: number;
  notAfter_ms: number;
};

/**
 * Issues an X.509 v3 certificate (RFC 5280) over a P-256 key, signed with ecdsa-with-SHA256: PEM.
 *
 * @throws CaliberError NAME_INVALID, KEY_NOT_CANONICAL, ISSUER_INVALID
 */
export function issueCertificate(options: CertificateOptions): string {
  const { issuer, spki, commonName, usage, names, notBefore_ms, notAfter_ms } = options;
  if (usage === "client" && (names.length !== 1 || names[0]?.type !== "uri")) {
    throw new CaliberError("NAME_INVALID", "a client certificate names exactly one URI", {
      disposition: "internal",
    });
  }
  publicKeyFromSpki(spki);
  const subject = distinguishedName(commonName);
  const algorithm = der.sequence(der.oid(x509Oids.ecdsaWithSha256));
  const tbs = der.sequence(
    der.tagged(0, der.integer(Buffer.of(2))),
    der.integer(serialNumber()),
    algorithm,
    issuer.certificate === null ? subject : subjectOf(issuer.certificate, issuer.key),
    der.sequence(der.time(notBefore_ms - skew_ms), der.time(notAfter_ms)),
    subject,
    decodeDer(spki),
    der.tagged(3, certificateExtensions(usage, names, spki, spkiOf(issuer.key))),
  );
  const signature = sign("sha256", encodeDer(tbs), issuer.key);
  return encodePem("CERTIFICATE", encodeDer(der.sequence(tbs, algorithm, der.bits(signature))));
}

/** 16 random bytes, positive and in their shortest form, so that DER keeps all of them. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial;
}

/** The issuer's name exactly as it stands in its certificate: chains are built by comparing the encoded names. */
function subjectOf(certificate: string, key: KeyObject): DerNode {
  const x509 = new X509Certificate(certificate);
  if (!x509.ca || !x509.checkPrivateKey(key)) {
    throw new CaliberError("ISSUER_INVALID", "not a CA certificate of this key", { disposition: "internal" });
  }
  const [tbs] = derContents.sequence(decodeDer(x509.raw));
  // Version, serial, algorithm, issuer, validity, subject: our issuers are v3, so that the version is present.
  return derContents.sequence(tbs)[5]!;
}
