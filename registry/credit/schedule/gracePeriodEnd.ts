import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { deadlinesOf } from "./deadlinesOf.js";
import { decodeInterestOptions } from "./interestOptions.js";
import type { LoanState } from "./loanState.js";
import { scheduleError } from "./scheduleError.js";

/**
 * The last second of the next window's grace period: an active loan may be liquidated after it, not at it. A bigint, since
 * terms may name a grace period of 2^64 - 1 seconds.
 * @throws CaliberError SCHEDULE_ENDED, SCHEDULE_OVERFLOW, MODEL_OPTIONS, SCHEDULE_TIME
 */
export function gracePeriodEnd(terms: LoanTerms, state: LoanState): bigint {
  const { grace_period_s } = decodeInterestOptions(terms.interest.options);
  const due_s = deadlinesOf(terms.repayment, state.origination_s).deadlines_s[state.repayment_count];
  if (due_s === undefined) throw scheduleError("SCHEDULE_ENDED", "all windows of the schedule are paid");
  const end_s = BigInt(due_s) + grace_period_s;
  if (end_s >= 2n ** 64n) throw scheduleError("SCHEDULE_OVERFLOW", "the grace period passes 2^64 s");
  return end_s;
}
