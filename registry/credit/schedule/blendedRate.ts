import type { LoanTerms, TrancheSpec } from "../loanTerms/loanTerms.js";
import { principalOf } from "../loanTerms/principalOf.js";
import { checkedUint256 } from "./checkedUint256.js";
import { mulDiv } from "./mulDiv.js";

/** A tranche's weight in interest. */
export function interestWeight({ amount, rate }: TrancheSpec): bigint {
  return amount * rate;
}

/** The tranches' rate per second (1e18 scale), weighted by what they lent, rounded down. */
export function blendedRate(terms: LoanTerms): bigint {
  const weights = terms.tranches.map((tranche) => checkedUint256(interestWeight(tranche)));
  return mulDiv(checkedUint256(weights.reduce((all, weight) => all + weight, 0n)), 1n, principalOf(terms));
}
