import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { blendedRate, interestWeight } from "./blendedRate.js";
import { checkedUint256 } from "./checkedUint256.js";
import { type Deadlines, deadlinesOf } from "./deadlinesOf.js";
import { fixedPoint } from "./fixedPoint.js";
import { decodeInterestOptions, type InterestOptions } from "./interestOptions.js";
import { levelPayment } from "./levelPayment.js";
import type { InterestModel } from "./loanModels.js";
import type { LoanState } from "./loanState.js";
import { mulDiv } from "./mulDiv.js";
import { scheduleError } from "./scheduleError.js";
import { splitByTranche } from "./splitByTranche.js";

/** Sums scaled to 18 decimals; the tranches' in the order of the terms, adding up to the whole exactly. */
export type ScheduledRepayment = {
  due_s: number;
  scaled_principal: bigint;
  /** With the grace period's interest. */
  scaled_interest: bigint;
  scaled_grace_interest: bigint;
  scaled_tranche_principals: bigint[];
  scaled_tranche_interests: bigint[];
};

/**
 * The payment of the window that comes next, as the interest model's `repayment(terms, state, timestamp)` gives it.
 * The window's interest is that of the whole window, whenever it is paid; after the deadline the grace rate comes on
 * top for the time that is late, at most the grace period. Interest rounds up, principal down, the last window takes
 * the remaining balance.
 * @throws CaliberError of ScheduleErrorCode wherever the contract reverts
 */
export function repaymentOf(
  terms: LoanTerms,
  state: LoanState,
  at_s: number,
  model: InterestModel,
): ScheduledRepayment {
  const options = decodeInterestOptions(terms.interest.options);
  const rate = blendedRate(terms);
  const schedule = deadlinesOf(terms.repayment, state.origination_s);
  const windows_s = remainingWindows(schedule, state);
  const due_s = schedule.deadlines_s[state.repayment_count]!;

  const windowInterest = interestFor(state.scaled_balance, rate, BigInt(windows_s[0]!));
  const scaled_principal = principalDue({ schedule, state, options, model, rate, windows_s, windowInterest });
  const late_s = BigInt(Math.max(0, at_s - due_s));
  const graced_s = late_s < options.grace_period_s ? late_s : options.grace_period_s;
  const scaled_grace_interest =
    late_s === 0n ? 0n : interestFor(state.scaled_balance, options.grace_rate, graced_s);
  const scaled_interest = checkedUint256(windowInterest + scaled_grace_interest);
  return {
    due_s,
    scaled_principal,
    scaled_interest,
    scaled_grace_interest,
    scaled_tranche_principals: splitByTranche(scaled_principal, terms.tranches, ({ amount }) => amount),
    scaled_tranche_interests: splitByTranche(scaled_interest, terms.tranches, interestWeight),
  };
}

/** Lengths of the windows still to be paid, the current one first. */
function remainingWindows(
  { deadlines_s }: Deadlines,
  { repayment_count, origination_s }: LoanState,
): number[] {
  if (repayment_count >= deadlines_s.length) {
    throw scheduleError("SCHEDULE_ENDED", `all ${deadlines_s.length} windows of the schedule are paid`);
  }
  return deadlines_s
    .map((deadline_s, i) => deadline_s - (i === 0 ? origination_s : deadlines_s[i - 1]!))
    .slice(repayment_count);
}

function interestFor(scaled_balance: bigint, rate: bigint, seconds: bigint): bigint {
  return mulDiv(checkedUint256(scaled_balance * rate), seconds, fixedPoint, "ceil");
}

function principalDue(window: {
  schedule: Deadlines;
  state: LoanState;
  options: InterestOptions;
  model: InterestModel;
  rate: bigint;
  windows_s: number[];
  windowInterest: bigint;
}): bigint {
  const { schedule, state, options, model, rate, windows_s, windowInterest } = window;
  const isStub = state.repayment_count === 0 && schedule.has_stub && schedule.deadlines_s.length > 1;
  if (isStub && !options.stub_pays_principal) return 0n;
  // The last window divides by one: it takes what is left, in both models.
  if (model === "simple-2.0" || windows_s.length === 1) {
    return state.scaled_balance / BigInt(windows_s.length);
  }
  const level = levelPayment(state.scaled_balance, rate, windows_s);
  const principal = level > windowInterest ? level - windowInterest : 0n;
  return principal < state.scaled_balance ? principal : state.scaled_balance;
}
