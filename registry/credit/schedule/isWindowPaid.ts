import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { deadlinesOf } from "./deadlinesOf.js";
import type { LoanState } from "./loanState.js";
import { scheduleError } from "./scheduleError.js";

/**
 * Whether the window that `at_s` lies in is paid already: nothing is due then, and whatever the borrower sends is a
 * prepayment of principal. Routers from v1.1 on (v1.0 takes the next window's payment early instead).
 * @throws CaliberError SCHEDULE_ENDED when more was paid than the schedule holds, as after a refinance to a shorter one
 */
export function isWindowPaid(terms: LoanTerms, state: LoanState, at_s: number): boolean {
  if (state.repayment_count === 0) return false;
  const paid_s = deadlinesOf(terms.repayment, state.origination_s).deadlines_s[state.repayment_count - 1];
  if (paid_s === undefined) {
    throw scheduleError("SCHEDULE_ENDED", "more repayments were made than the schedule has windows");
  }
  return paid_s >= at_s;
}
