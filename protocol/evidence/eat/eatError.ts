import { CaliberError } from "../../errors.js";

/** Why a token of an attestation service is refused: one code for each way to fail. */
export const eatErrorCodes = [
  "EAT_MALFORMED",
  /** `alg: none`: the token is signed by nobody. */
  "EAT_ALG_NONE",
  "EAT_ALG_REFUSED",
  /** Made by the borrower's own machine for itself. */
  "EAT_ISSUER_LOCAL",
  /** NVIDIA's service for tests. */
  "EAT_ISSUER_STAGING",
  "EAT_ISSUER_UNKNOWN",
  "EAT_KEY_UNKNOWN",
  "EAT_KEY_INVALID",
  "EAT_SIGNATURE_INVALID",
  "EAT_EXPIRED",
  "EAT_NOT_YET_VALID",
  "EAT_NONCE_MISMATCH",
  /** A device's token is not the one that the overall token names by its digest, or is absent. */
  "EAT_SUBMODULE_MISMATCH",
  /** The service itself says that the attestation failed. */
  "EAT_RESULT_FAILED",
] as const;

export type EatErrorCode = (typeof eatErrorCodes)[number];

/** A refusal of a token. */
export function eatError(code: EatErrorCode, message: string, cause?: unknown): CaliberError<EatErrorCode> {
  return new CaliberError(code, message, cause === undefined ? {} : { cause });
}
