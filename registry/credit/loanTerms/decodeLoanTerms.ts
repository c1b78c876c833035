import { decodeAbiParameters, encodeAbiParameters, type Hex } from "viem";
import { type AbiLoanTerms, fromAbiLoanTerms } from "./abiLoanTerms.js";
import type { LoanTerms, RouterVersion } from "./loanTerms.js";
import { loanTermsAbi } from "./loanTermsAbi.js";
import { loanTermsError } from "./loanTermsError.js";

/**
 * Reads terms as `abi.encode` writes them (in LoanOriginated v1.2 and in LoanRefinanced). Other encodings of the
 * same terms are refused: the router never logs one, and viem is laxer than Solidity about stray high bits.
 * @throws CaliberError LOAN_TERMS_MALFORMED, LOAN_TERMS_NOT_CANONICAL, LOAN_TERMS_FEE_KIND
 */
export function decodeLoanTerms(bytes: Hex, version: RouterVersion): LoanTerms {
  const abi = decoded(bytes);
  const terms = fromAbiLoanTerms(abi, version);
  if (reencoded(abi) !== bytes.toLowerCase()) {
    throw loanTermsError("LOAN_TERMS_NOT_CANONICAL", "the terms are not encoded as abi.encode does");
  }
  return terms;
}

function decoded(bytes: Hex): AbiLoanTerms {
  try {
    return decodeAbiParameters([loanTermsAbi], bytes)[0];
  } catch (cause) {
    throw loanTermsError("LOAN_TERMS_MALFORMED", "the bytes are no loan terms", { cause });
  }
}

/** A number with stray high bits is decoded whole and then does not fit its field. */
function reencoded(abi: AbiLoanTerms): Hex {
  try {
    return encodeAbiParameters([loanTermsAbi], [abi]);
  } catch (cause) {
    throw loanTermsError("LOAN_TERMS_MALFORMED", "a value does not fit its field", { cause });
  }
}
