import { CaliberError } from "../../../protocol/errors.js";
import type { EvidenceExpectation } from "../../../protocol/evidence/verifyEvidence.js";
import { type Evidence, verifyEvidence } from "../../../protocol/evidence/verifyEvidence.js";
import type { VerifiedEvidence } from "../../../protocol/evidence/verifyReport.js";

export type EvidenceVerdict =
  | { verified: true; evidence: VerifiedEvidence }
  | { verified: false; error: { code: string; message: string } };

/** One verdict for each evidence, in order: a machine's others count also where one fails. */
export function verifyAll(evidences: readonly Evidence[], expected: EvidenceExpectation): EvidenceVerdict[] {
  return evidences.map((evidence) => {
    try {
      return { verified: true, evidence: verifyEvidence(evidence, expected) };
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      const { code, message } = error;
      return { verified: false, error: { code, message } };
    }
  });
}
