import { encodeAbiParameters, type Hex } from "viem";
import { toAbiLoanTerms } from "./abiLoanTerms.js";
import type { LoanTerms, RouterVersion } from "./loanTerms.js";
import { loanTermsAbi } from "./loanTermsAbi.js";
import { loanTermsError } from "./loanTermsError.js";

/**
 * Solidity's `abi.encode(loanTerms)`, as v1.2 logs them.
 * @throws CaliberError LOAN_TERMS_MALFORMED, LOAN_TERMS_FEE_KIND
 */
export function encodeLoanTerms(terms: LoanTerms, version: RouterVersion): Hex {
  const abi = toAbiLoanTerms(terms, version);
  try {
    return encodeAbiParameters([loanTermsAbi], [abi]);
  } catch (cause) {
    throw loanTermsError("LOAN_TERMS_MALFORMED", "a value does not fit its field", { cause });
  }
}
