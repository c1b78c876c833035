import { gracePeriodEnd } from "../credit/schedule/gracePeriodEnd.js";
import type { LoanModels } from "../credit/schedule/loanModels.js";
import { loanSchedule, type ScheduleRow } from "../credit/schedule/loanSchedule.js";
import { type Quote, quote } from "../credit/schedule/quote.js";
import type { LoanDetail } from "./loanView.js";

export type LoanDue = {
  /** What the router's `quote` says for `at_s`. */
  now: Quote;
  /** All payments to come, the next one first; empty for a loan that is not active. */
  schedule: ScheduleRow[];
  /** After it an active loan may be liquidated; null for one that is not active. */
  grace_end_s: bigint | null;
};

/**
 * What is due when on an indexed loan. Null while its terms, its state on chain or its currency's decimals are unknown.
 * @throws CaliberError of ScheduleErrorCode where the router's own call reverts, and for models not known here
 */
export function loanDue(loan: LoanDetail, at_s: number, models: LoanModels): LoanDue | null {
  const { terms, chain_state } = loan;
  if (terms === null || chain_state === null || chain_state.decimals === null) return null;
  const market = { decimals: chain_state.decimals, models };
  const isActive = chain_state.status === "active";
  return {
    now: quote(terms, chain_state, at_s, market),
    schedule: loanSchedule(terms, chain_state, market),
    grace_end_s: isActive ? gracePeriodEnd(terms, chain_state) : null,
  };
}
