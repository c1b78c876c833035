import type { LoanTerms } from "../loanTerms/loanTerms.js";
import type { LoanMarket } from "./feesOf.js";
import { modelAt } from "./loanModels.js";
import type { LoanState } from "./loanState.js";
import { type Quote, quote } from "./quote.js";
import { repaymentOf } from "./repaymentOf.js";

export type ScheduleRow = Quote & {
  /** Counted from 0 at origination. */
  index: number;
  due_s: number;
  scaled_balance_before: bigint;
  scaled_balance_after: bigint;
  /** Of each tranche, in the order of the terms, scaled to 18 decimals. */
  scaled_tranche_principals: bigint[];
  scaled_tranche_interests: bigint[];
};

/**
 * Every payment still to come, each paid on its due date and none beyond it: what is due when is known. Early, late or
 * larger payments change what follows; take the schedule again from the state after them.
 * @throws CaliberError of ScheduleErrorCode wherever the contract would revert
 */
export function loanSchedule(terms: LoanTerms, state: LoanState, market: LoanMarket): ScheduleRow[] {
  const model = modelAt(market.models.interest, terms.interest.model);
  const rows: ScheduleRow[] = [];
  for (let at = state; at.status === "active" && at.scaled_balance > 0n; ) {
    // Time 0 is before every deadline, so no grace interest is in it.
    const due = repaymentOf(terms, at, 0, model);
    const scaled_balance_after = at.scaled_balance - due.scaled_principal;
    rows.push({
      index: at.repayment_count,
      due_s: due.due_s,
      ...quote(terms, at, due.due_s, market),
      scaled_balance_before: at.scaled_balance,
      scaled_balance_after,
      scaled_tranche_principals: due.scaled_tranche_principals,
      scaled_tranche_interests: due.scaled_tranche_interests,
    });
    at = { ...at, repayment_count: at.repayment_count + 1, scaled_balance: scaled_balance_after };
  }
  return rows;
}
