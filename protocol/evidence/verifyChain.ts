import type { KeyObject } from "node:crypto";
import { certificateMemo } from "./certificateMemo.js";
import { type ChainDevice, deviceOfChain } from "./deviceOfChain.js";
import { evidenceError } from "./evidenceError.js";
import { nvidiaDeviceRoot } from "./nvidiaDeviceRoot.js";
import { parsePemChain } from "./parsePemChain.js";
import type { ChainCertificate } from "./readCertificate.js";
import { strongIdentityOf } from "./strongIdentityOf.js";

/** Leaf (firmware), BROM (device), provisioner, family, root. */
const chain_length = 5;
const digitalSignature = 0x80;
const keyCertSign = 0x04;

/** All of NVIDIA's devices share some dozens of issuers; making keys of their bytes is what costs. */
const issuers = certificateMemo(64);

/** A device's certificate chain, verified up to the pinned root. */
export type VerifiedChain = ChainDevice & {
  strong_identity: string;
  /** The leaf's number as NVIDIA writes it in decimal. It changes with the firmware: not an identity. */
  ueid: string;
  /** The key that signs reports. */
  leaf_key: KeyObject;
  /** SHA-384 digests of the firmware for which that key was certified, hex. */
  fwids: string[];
};

/**
 * Verifies a device's certificate chain, all five of it, from the leaf to the root with this SHA-256. The root counts
 * by its hash alone; its signature over itself would prove nothing. What no chain can show is not asked here:
 * whether a certificate was revoked.
 *
 * @param chain PEM, leaf first.
 * @throws CaliberError EVIDENCE_ENCODING_INVALID, EVIDENCE_CHAIN_*, EVIDENCE_DEVICE_UNKNOWN
 */
export function verifyChain(chain: string, now_ms: number, root_sha256 = nvidiaDeviceRoot): VerifiedChain {
  const ders = parsePemChain(chain);
  // The upper bound comes first, so that nobody makes us check signatures for nothing.
  if (ders.length < 2 || ders.length > chain_length) throw lengthError(ders.length);
  const certificates = ders.map(issuers.read);
  if (certificates.at(-1)!.sha256 !== root_sha256) {
    throw evidenceError("EVIDENCE_CHAIN_ROOT_UNKNOWN", "the chain does not end in the pinned root");
  }
  // The pinned root first: nothing is verified with a key that is not verified itself.
  for (let i = certificates.length - 2; i >= 0; i -= 1) checkLink(certificates[i]!, certificates[i + 1]!, i);
  if (certificates[0]!.is_ca) {
    throw evidenceError("EVIDENCE_CHAIN_NO_LEAF", "the chain begins with a CA: its leaf is missing");
  }
  if (certificates.length !== chain_length) throw lengthError(certificates.length);
  certificates.forEach((certificate, i) => {
    checkRole(certificate, i);
    checkTime(certificate, i, now_ms);
  });
  const [leaf, brom, ...shared] = certificates as [ChainCertificate, ChainCertificate, ...ChainCertificate[]];
  shared.forEach(issuers.keep);
  return {
    ...deviceOfChain(leaf, brom),
    strong_identity: strongIdentityOf(brom.spki),
    ueid: leaf.serial.toString(),
    leaf_key: leaf.x509.publicKey,
    fwids: leaf.fwids,
  };
}

function checkLink(certificate: ChainCertificate, issuer: ChainCertificate, i: number): void {
  // Names and key identifiers, then the signature.
  if (!certificate.x509.checkIssued(issuer.x509) || !certificate.x509.verify(issuer.x509.publicKey)) {
    throw evidenceError(
      "EVIDENCE_CHAIN_LINK_BROKEN",
      `certificate ${i} is not issued by certificate ${i + 1}`,
    );
  }
}

function checkRole({ is_ca, path_length, key_usage }: ChainCertificate, i: number): void {
  const usage = i === 0 ? digitalSignature : keyCertSign;
  const forbidden = i === 0 ? keyCertSign : 0;
  // RFC 5280 4.2.1.9: how many CAs may follow below this one, the leaf not counted.
  const tooDeep = path_length !== null && path_length < i - 1;
  if (is_ca !== i > 0 || (key_usage & usage) === 0 || (key_usage & forbidden) !== 0 || tooDeep) {
    throw evidenceError("EVIDENCE_CHAIN_ROLE_INVALID", `certificate ${i} may not stand in its place`);
  }
}

function checkTime({ not_before_ms, not_after_ms }: ChainCertificate, i: number, now_ms: number): void {
  if (now_ms < not_before_ms || now_ms > not_after_ms) {
    throw evidenceError("EVIDENCE_CHAIN_EXPIRED", `certificate ${i} is not valid at this time`);
  }
}

function lengthError(length: number): Error {
  return evidenceError("EVIDENCE_CHAIN_LENGTH", `a chain has ${chain_length} certificates, not ${length}`);
}
