import { CaliberError } from "../../../protocol/errors.js";

export type LoanTermsErrorCode =
  /** Bytes that are not ABI-encoded terms, or a value that its field cannot hold. */
  | "LOAN_TERMS_MALFORMED"
  /** They decode, but an encoder would have written other bytes. */
  | "LOAN_TERMS_NOT_CANONICAL"
  /** A fee kind that the router's version does not know. */
  | "LOAN_TERMS_FEE_KIND"
  /** The router would refuse to originate them; `details` names the field. */
  | "LOAN_TERMS_INVALID";

export function loanTermsError(
  code: LoanTermsErrorCode,
  message: string,
  options: { cause?: unknown; details?: string } = {},
): CaliberError<LoanTermsErrorCode> {
  return new CaliberError(code, message, options);
}
