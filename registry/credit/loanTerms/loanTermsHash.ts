import { encodeAbiParameters, type Hex, keccak256 } from "viem";
import { toAbiLoanTerms } from "./abiLoanTerms.js";
import type { LoanTerms } from "./loanTerms.js";
import { loanTermsAbi } from "./loanTermsAbi.js";
import { loanTermsError } from "./loanTermsError.js";

/**
 * The router's name for a loan: `keccak256(abi.encode(block.chainid, loanTerms))`, a plain ABI hash. The same in every
 * version, since the struct is.
 * @throws CaliberError LOAN_TERMS_MALFORMED
 */
export function loanTermsHash(terms: LoanTerms, chain_id: number): Hex {
  const abi = toAbiLoanTerms(terms, "1.2");
  try {
    return keccak256(encodeAbiParameters([{ type: "uint256" }, loanTermsAbi], [BigInt(chain_id), abi]));
  } catch (cause) {
    throw loanTermsError("LOAN_TERMS_MALFORMED", "a value does not fit its field", { cause });
  }
}
