import { hash, X509Certificate } from "node:crypto";
import asn1 from "node-forge/lib/asn1.js";
import { CaliberError } from "../errors.js";
import { decodeDer } from "../x509/decodeDer.js";
import type { DerNode } from "../x509/der.js";
import { derContents } from "../x509/derContents.js";
import { encodeDer } from "../x509/encodeDer.js";
import { x509Oids } from "../x509/x509Oids.js";
import { evidenceError } from "./evidenceError.js";
import { evidenceOids } from "./evidenceOids.js";
import { type CertificateExtensions, readExtensions } from "./readExtensions.js";

/** DER of SubjectPublicKeyInfo up to the point: id-ecPublicKey, secp384r1, 98-byte bit string, uncompressed. */
const p384Prefix = Buffer.from("3076301006072a8648ce3d020106052b8104002203620004", "hex");

/** A certificate of a device's chain, read from its DER; nothing verified. */
export type ChainCertificate = CertificateExtensions & {
  /** For OpenSSL's checks of issuer and signature. */
  x509: X509Certificate;
  sha256: string;
  /** 120-byte SPKI DER of a P-384 key. */
  spki: Buffer;
  serial: bigint;
  common_name: string | null;
  /** The subject's attribute serialNumber, not the certificate's number. */
  subject_serial: string | null;
  not_before_ms: number;
  not_after_ms: number;
};

/**
 * Reads one certificate. Its fields come from the DER: OpenSSL's printed names are made for people, and a crafted name
 * can print like two.
 *
 * @throws CaliberError EVIDENCE_CHAIN_MALFORMED, EVIDENCE_CHAIN_ALGORITHM
 */
export function readCertificate(der: Buffer): ChainCertificate {
  try {
    return fieldsOf(der);
  } catch (cause) {
    if (cause instanceof CaliberError && cause.code.startsWith("EVIDENCE_")) throw cause;
    throw evidenceError("EVIDENCE_CHAIN_MALFORMED", "not an X.509 certificate", cause);
  }
}

function fieldsOf(der: Buffer): ChainCertificate {
  const [tbs, outerAlgorithm] = derContents.sequence(decodeDer(der));
  const parts = derContents.sequence(tbs);
  const [version, serial, innerAlgorithm, , validity, subject, spkiNode, extensions] = parts;
  // v3 without the unique ids that RFC 5280 4.1.2.8 deprecates.
  if (parts.length !== 8 || !isTagged(version, 0) || !isTagged(extensions, 3)) {
    throw evidenceError("EVIDENCE_CHAIN_MALFORMED", "not a version 3 certificate");
  }
  const spki = encodeDer(spkiNode!);
  const algorithms = [innerAlgorithm, outerAlgorithm].map((node) => {
    const [oid, ...parameters] = derContents.sequence(node);
    return parameters.length === 0 ? derContents.oid(oid) : null;
  });
  if (
    algorithms.some((oid) => oid !== evidenceOids.ecdsaWithSha384) ||
    spki.length !== 120 ||
    p384Prefix.compare(spki, 0, p384Prefix.length) !== 0
  ) {
    throw evidenceError("EVIDENCE_CHAIN_ALGORITHM", "device certificates are ECDSA P-384 with SHA-384");
  }
  const [from, to] = derContents.sequence(validity);
  return {
    ...readExtensions(derContents.sequence(extensions.value[0])),
    x509: new X509Certificate(der),
    sha256: hash("sha256", der, "hex"),
    spki,
    serial: BigInt(`0x${derContents.bytes(serial, "INTEGER").toString("hex")}`),
    common_name: attributeOf(subject, x509Oids.commonName),
    subject_serial: attributeOf(subject, evidenceOids.serialNumber),
    not_before_ms: timeOf(from),
    not_after_ms: timeOf(to),
  };
}

function isTagged(node: DerNode | undefined, tag: number): node is DerNode & { value: DerNode[] } {
  return (
    node?.tagClass === asn1.Class.CONTEXT_SPECIFIC && Number(node.type) === tag && Array.isArray(node.value)
  );
}

/** The one attribute of this type in a name. Two are refused: readers would differ in which they take. */
function attributeOf(name: DerNode | undefined, oid: string): string | null {
  const values = derContents
    .sequence(name)
    .flatMap((set) => (Array.isArray(set.value) ? set.value.map(derContents.sequence) : []))
    .filter(([type]) => derContents.oid(type) === oid)
    .map(([, value]) => value?.value);
  const [value] = values;
  if (values.length > 1) throw evidenceError("EVIDENCE_CHAIN_MALFORMED", "a name says something twice");
  return typeof value === "string" ? value : null;
}

/** UTCTime up to 2049, GeneralizedTime from 2050, both in seconds and UTC (RFC 5280 4.1.2.5). */
function timeOf(node: DerNode | undefined): number {
  const text = typeof node?.value === "string" ? node.value : "";
  const form = node?.type === asn1.Type.UTCTIME ? 2 : 4;
  const match = /^([0-9]{2,4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(text);
  const [year = "", month, day, hour, minute, second] = match?.slice(1) ?? [];
  const full = form === 4 ? year : `${Number(year) < 50 ? "20" : "19"}${year}`;
  const time_ms = Date.parse(`${full}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (year.length !== form || Number.isNaN(time_ms)) {
    throw evidenceError("EVIDENCE_CHAIN_MALFORMED", "a certificate's time is not in DER's form");
  }
  return time_ms;
}
