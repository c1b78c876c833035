import { CaliberError } from "../../protocol/errors.js";
import { evidenceError } from "../../protocol/evidence/evidenceError.js";
import { evidenceNonce } from "../../protocol/evidence/evidenceNonce.js";
import { verifyEvidence } from "../../protocol/evidence/verifyEvidence.js";
import type { VerifiedEvidence } from "../../protocol/evidence/verifyReport.js";
import type { EvidenceReport } from "../../protocol/report/schema.js";
import type { OpenChallenge } from "./deviceFold.js";

export type EvidenceContext = {
  /** The device's open challenge. */
  challenge: OpenChallenge | null;
  /** Origin line of the log. */
  origin: string;
  /** SHA-256 of the root that the chain must end in. */
  evidence_root: string;
  now_ms: number;
};

/**
 * Verifies the answer to a challenge: that it is the open one's, in time, and that the GPU signed a nonce which ties the
 * challenge to this device's key and to its chain as it stood since.
 *
 * @throws CaliberError CHALLENGE_NOT_OPEN, CHAIN_HEAD_UNKNOWN, EVIDENCE_*
 */
export function judgeEvidence(
  { device, body }: Pick<EvidenceReport, "device" | "body">,
  { challenge: open, origin, evidence_root, now_ms }: EvidenceContext,
): VerifiedEvidence {
  const { challenge, chain_head, beacon, report, chain } = body;
  if (open?.challenge !== challenge || now_ms > open.expires_ms) {
    throw new CaliberError(
      "CHALLENGE_NOT_OPEN",
      "the challenge was answered before, ran out, or was not given",
    );
  }
  if (!open.heads.includes(chain_head)) {
    throw new CaliberError(
      "CHAIN_HEAD_UNKNOWN",
      "the device's chain has not ended with that since it was asked",
    );
  }
  const bytes = Buffer.from(report, "base64");
  // Node skips what is not base64 and reads on: only what encodes back is what was written.
  if (bytes.toString("base64") !== report) {
    throw evidenceError("EVIDENCE_ENCODING_INVALID", "the report is not base64");
  }
  const nonce = evidenceNonce({ log_origin: origin, device_id: device, beacon, challenge, chain_head });
  return verifyEvidence({ report: bytes, chain }, { nonce, kind: "gpu", now_ms, root_sha256: evidence_root });
}
