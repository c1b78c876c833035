import { zeroAddress } from "viem";
import { deadlinesOf } from "../schedule/deadlinesOf.js";
import { fixedPoint } from "../schedule/fixedPoint.js";
import type { LoanTerms } from "./loanTerms.js";
import { loanTermsError } from "./loanTermsError.js";
import { principalOf } from "./principalOf.js";

/**
 * The router's own checks at origination, in its order, `at_s` standing for the block's time. It does not look at the
 * interest model's options, nor do we here; fee models' options are left to `feesOf`.
 * @throws CaliberError LOAN_TERMS_INVALID, `details` being the reason that the router gives
 */
export function checkLoanTerms(terms: LoanTerms, at_s: number): void {
  const refuse = (reason: string): never => {
    throw loanTermsError("LOAN_TERMS_INVALID", `the router would refuse these terms: ${reason}`, {
      details: reason,
    });
  };
  const { repayment, tranches } = terms;
  if (terms.expiration_s < BigInt(at_s)) refuse("Expiration");
  if (terms.borrower === zeroAddress) refuse("Borrower");
  if (terms.currency_token === zeroAddress) refuse("Currency Token");
  if (terms.collateral_token === zeroAddress) refuse("Collateral Token");
  if (terms.collateral_token_ids.length === 0) refuse("Collateral Token IDs");
  if (terms.interest.model === zeroAddress) refuse("Interest Rate Model");
  if (tranches.length === 0 || tranches.length > 32) refuse("Tranche Specs");
  for (const { lender, amount, rate } of tranches) {
    if (rate === 0n || rate > fixedPoint) refuse("Rate");
    if (lender === zeroAddress) refuse("Lender");
    if (amount === 0n) refuse("Tranche Amount");
  }
  if (repayment.day < 1 || repayment.day > 31) refuse("Repayment Day");
  if (repayment.total_duration_days < 1 || repayment.total_duration_days > 4000) {
    refuse("Loan Duration Days");
  }
  if (repayment.timezone_offset_s < -43_200 || repayment.timezone_offset_s > 50_400) {
    refuse("Timezone Offset");
  }
  if (principalOf(terms) < BigInt(deadlinesOf(repayment, at_s).deadlines_s.length)) refuse("Principal");
}
