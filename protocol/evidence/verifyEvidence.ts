import { verifyChain } from "./verifyChain.js";
import { type ReportExpectation, type VerifiedEvidence, verifyReport } from "./verifyReport.js";

/** What a device answers with: its measurement report and its certificate chain (PEM, leaf first). */
export type Evidence = { report: Uint8Array; chain: string };

export type EvidenceExpectation = ReportExpectation & {
  now_ms: number;
  /** SHA-256 of the root certificate, hex; NVIDIA's when absent. */
  root_sha256?: string;
};

/**
 * Verifies a GPU's attestation with nothing but the evidence, offline. The result names what was checked and what was
 * not; it says which silicon signed and nothing about what the GPU was doing, or where.
 *
 * @throws CaliberError EVIDENCE_*: one code for each way to fail.
 */
export function verifyEvidence(evidence: Evidence, expected: EvidenceExpectation): VerifiedEvidence {
  const chain = verifyChain(evidence.chain, expected.now_ms, expected.root_sha256);
  return verifyReport(evidence.report, chain, expected);
}
