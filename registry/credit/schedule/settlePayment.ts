import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { principalOf } from "../loanTerms/principalOf.js";
import { checkedUint256 } from "./checkedUint256.js";
import { currencyScale } from "./currencyScale.js";
import { feesOf, type LoanMarket } from "./feesOf.js";
import { isWindowPaid } from "./isWindowPaid.js";
import { modelAt } from "./loanModels.js";
import type { LoanState } from "./loanState.js";
import { repaymentOf } from "./repaymentOf.js";
import { scheduleError } from "./scheduleError.js";
import { unscaleUp } from "./unscaleUp.js";

export type Settlement = {
  state: LoanState;
  /** What is taken from the borrower, in the currency's units; never more than it offered. */
  taken: bigint;
  scaled_principal: bigint;
  scaled_interest: bigint;
  scaled_prepayment: bigint;
  scaled_fee: bigint;
};

/**
 * What `repay(terms, amount)` at `at_s` does to a loan (routers v1.1 and v1.2): what goes beyond the payment due is a
 * prepayment up to the balance; once the window is paid, all of it is. An exit fee is due with whatever closes the loan.
 * @throws CaliberError PAYMENT_REFUSED when the loan is not active or the amount does not cover what it would do
 */
export function settlePayment(
  terms: LoanTerms,
  state: LoanState,
  amount: bigint,
  at_s: number,
  market: LoanMarket,
): Settlement {
  if (state.status !== "active" || amount <= 0n) {
    throw scheduleError("PAYMENT_REFUSED", `nothing can be paid on a loan that is ${state.status}`);
  }
  const scale = currencyScale(market.decimals);
  const offered = checkedUint256(amount * scale);
  const scaled_loan = checkedUint256(principalOf(terms) * scale);
  const isExtra = isWindowPaid(terms, state, at_s);
  const due = isExtra
    ? { scaled_principal: 0n, scaled_interest: 0n }
    : repaymentOf(terms, state, at_s, modelAt(market.models.interest, terms.interest.model));
  const { scaled_principal, scaled_interest } = due;
  const repayment_fee = isExtra ? 0n : feesOf("repayment", terms, state, scaled_loan, market);

  const base = checkedUint256(scaled_principal + scaled_interest + repayment_fee);
  const left = state.scaled_balance - scaled_principal;
  const over = offered > base ? offered - base : 0n;
  const scaled_prepayment = over < left ? over : left;
  const isClosed = scaled_prepayment === left;
  const exit_fee = isClosed ? feesOf("exit", terms, state, scaled_loan, market) : 0n;
  const total = checkedUint256(base + scaled_prepayment + exit_fee);
  if (offered < total) throw scheduleError("PAYMENT_REFUSED", "the amount does not cover what is due");
  return {
    state: {
      ...state,
      status: isClosed ? "repaid" : "active",
      repayment_count: state.repayment_count + (isExtra ? 0 : 1),
      scaled_balance: left - scaled_prepayment,
    },
    taken: unscaleUp(total, scale),
    scaled_principal,
    scaled_interest,
    scaled_prepayment,
    scaled_fee: repayment_fee + exit_fee,
  };
}
