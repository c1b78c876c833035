import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { principalOf } from "../loanTerms/principalOf.js";
import { checkedUint256 } from "./checkedUint256.js";
import { currencyScale } from "./currencyScale.js";
import { feesOf, type LoanMarket } from "./feesOf.js";
import { isWindowPaid } from "./isWindowPaid.js";
import { modelAt } from "./loanModels.js";
import type { LoanState } from "./loanState.js";
import { repaymentOf } from "./repaymentOf.js";
import { unscaleUp } from "./unscaleUp.js";

/** In the currency's own units. */
export type Quote = { principal: bigint; interest: bigint; fee: bigint };

/**
 * What the borrower owes if it pays at `at_s`: LoanRouterV2's `quote(terms, timestamp)` (v1.1 and v1.2), each part rounded
 * up to the currency's unit. All zero when the loan is not active or its current window is paid. `fee` holds the exit
 * fee too when this payment closes the loan.
 * @throws CaliberError of ScheduleErrorCode wherever the contract's call reverts
 */
export function quote(terms: LoanTerms, state: LoanState, at_s: number, market: LoanMarket): Quote {
  const scale = currencyScale(market.decimals);
  const scaled_loan = checkedUint256(principalOf(terms) * scale);
  if (state.status !== "active" || isWindowPaid(terms, state, at_s)) {
    return { principal: 0n, interest: 0n, fee: 0n };
  }
  const model = modelAt(market.models.interest, terms.interest.model);
  const { scaled_principal, scaled_interest } = repaymentOf(terms, state, at_s, model);
  const exit_fee =
    scaled_principal === state.scaled_balance ? feesOf("exit", terms, state, scaled_loan, market) : 0n;
  const scaled_fee = checkedUint256(feesOf("repayment", terms, state, scaled_loan, market) + exit_fee);
  return {
    principal: unscaleUp(scaled_principal, scale),
    interest: unscaleUp(scaled_interest, scale),
    fee: unscaleUp(scaled_fee, scale),
  };
}
