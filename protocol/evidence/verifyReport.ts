import { hash, verify } from "node:crypto";
import type { DeviceKind } from "./deviceKinds.js";
import type { ChainDevice } from "./deviceOfChain.js";
import type { EvidenceCheck, EvidenceGap } from "./evidenceChecks.js";
import { evidenceError } from "./evidenceError.js";
import { parseSpdmReport } from "./parseSpdmReport.js";
import { readClaims, type SignedClaims } from "./readClaims.js";
import type { VerifiedChain } from "./verifyChain.js";

export type ReportExpectation = {
  /** The 32 bytes that the device was asked to sign, hex; null when nobody knows, which the result says. */
  nonce: string | null;
  /** `any` also takes switches, which stand for no collateral. */
  kind: Extract<DeviceKind, "gpu"> | "any";
};

/** A report whose signature holds, and what is known by that. */
export type VerifiedEvidence = ChainDevice & {
  strong_identity: string;
  ueid: string;
  /** The nonce that was signed, hex. */
  nonce: string;
  /**
   * SHA-256 of what is signed. An ECDSA signature has a second form that verifies as well, so that the report's own
   * bytes are no name.
   */
  statement: string;
  claims: SignedClaims;
  /** SHA-384 digests, hex. */
  measurements: { index: number; digest: string }[];
  trailing_zero_bytes: number;
  checked: EvidenceCheck[];
  not_checked: EvidenceGap[];
};

/**
 * Verifies a measurement report against a verified chain.
 *
 * @throws CaliberError EVIDENCE_REPORT_*, EVIDENCE_KIND_MISMATCH, EVIDENCE_NONCE_MISMATCH, EVIDENCE_SIGNATURE_INVALID,
 * EVIDENCE_FWID_MISMATCH, EVIDENCE_PDI_MISMATCH
 */
export function verifyReport(
  bytes: Uint8Array,
  chain: VerifiedChain,
  expected: ReportExpectation,
): VerifiedEvidence {
  const { leaf_key, fwids, ...device } = chain;
  const report = parseSpdmReport(bytes);
  if (expected.kind !== "any" && device.kind !== expected.kind) {
    throw evidenceError("EVIDENCE_KIND_MISMATCH", `the evidence is of a ${device.kind}`);
  }
  const nonce = report.nonce.toString("hex");
  if (expected.nonce !== null && nonce !== expected.nonce) {
    throw evidenceError("EVIDENCE_NONCE_MISMATCH", "the report answers another nonce");
  }
  if (!verify("sha384", report.signed, { key: leaf_key, dsaEncoding: "ieee-p1363" }, report.signature)) {
    throw evidenceError("EVIDENCE_SIGNATURE_INVALID", "the report is not signed by the chain's leaf");
  }
  const claims = readClaims(report.opaque, device.kind);
  if (claims.own_pdi !== null && claims.own_pdi !== device.pdi) {
    throw evidenceError("EVIDENCE_PDI_MISMATCH", "the report names another device than its certificate");
  }
  const comparable = claims.fwid !== null && fwids.length > 0;
  if (comparable && !fwids.includes(claims.fwid!)) {
    throw evidenceError(
      "EVIDENCE_FWID_MISMATCH",
      "the report's firmware is not the one its key is certified for",
    );
  }
  const checked: EvidenceCheck[] = ["root", "chain", "device", "signature"];
  const not_checked: EvidenceGap[] = [];
  (expected.nonce === null ? not_checked : checked).push("nonce");
  (comparable ? checked : not_checked).push("fwid");
  not_checked.push("rim", "ocsp", "inventory", "location");
  return {
    ...device,
    nonce,
    statement: hash("sha256", report.signed, "hex"),
    claims,
    measurements: report.measurements.map(({ index, digest }) => ({ index, digest: digest.toString("hex") })),
    trailing_zero_bytes: report.trailing_zero_bytes,
    checked,
    not_checked,
  };
}
