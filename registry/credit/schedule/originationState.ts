import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { principalOf } from "../loanTerms/principalOf.js";
import { checkedUint256 } from "./checkedUint256.js";
import { currencyScale } from "./currencyScale.js";
import type { LoanState } from "./loanState.js";

/** The state of a loan in the block that originates it. Throws CaliberError SCHEDULE_OVERFLOW, CURRENCY_DECIMALS. */
export function originationState(terms: LoanTerms, origination_s: number, decimals: number): LoanState {
  return {
    status: "active",
    repayment_count: 0,
    origination_s,
    scaled_balance: checkedUint256(principalOf(terms) * currencyScale(decimals)),
  };
}
