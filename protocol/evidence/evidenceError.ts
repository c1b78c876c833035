import { CaliberError } from "../errors.js";

/** Why evidence is refused: one code for each way to fail. */
export const evidenceErrorCodes = [
  /** Neither raw bytes nor whole hex, base64 or PEM. */
  "EVIDENCE_ENCODING_INVALID",
  /** The collector's JSON is not of the form that `nvattest` writes. */
  "EVIDENCE_NVATTEST_MALFORMED",
  "EVIDENCE_REPORT_TOO_LARGE",
  "EVIDENCE_REPORT_TRUNCATED",
  /** Bytes other than zero padding after the signature. */
  "EVIDENCE_REPORT_EXTENDED",
  "EVIDENCE_REPORT_MALFORMED",
  "EVIDENCE_CHAIN_MALFORMED",
  "EVIDENCE_CHAIN_LENGTH",
  "EVIDENCE_CHAIN_ROOT_UNKNOWN",
  /** A certificate is not issued by the one after it. */
  "EVIDENCE_CHAIN_LINK_BROKEN",
  /** Another key or signature algorithm than ECDSA on P-384 with SHA-384. */
  "EVIDENCE_CHAIN_ALGORITHM",
  /** The first certificate is a CA's, so nothing in the chain can have signed a report. */
  "EVIDENCE_CHAIN_NO_LEAF",
  /** A certificate stands where its own extensions do not allow it. */
  "EVIDENCE_CHAIN_ROLE_INVALID",
  "EVIDENCE_CHAIN_EXPIRED",
  /** The names are not those of a GPU or switch that caliberd knows. */
  "EVIDENCE_DEVICE_UNKNOWN",
  /** A genuine device of another kind than the one asked for. */
  "EVIDENCE_KIND_MISMATCH",
  "EVIDENCE_NONCE_MISMATCH",
  "EVIDENCE_SIGNATURE_INVALID",
  /** The firmware in the report is not the firmware for which its key was certified. */
  "EVIDENCE_FWID_MISMATCH",
  /** A switch's report names another device than its certificate. */
  "EVIDENCE_PDI_MISMATCH",
] as const;

export type EvidenceErrorCode = (typeof evidenceErrorCodes)[number];

/** A refusal of evidence. */
export function evidenceError(
  code: EvidenceErrorCode,
  message: string,
  cause?: unknown,
): CaliberError<EvidenceErrorCode> {
  return new CaliberError(code, message, cause === undefined ? {} : { cause });
}
