import type { RepaymentSpec } from "../loanTerms/loanTerms.js";
import { dateOfEpochDay, daysInMonth, epochDayOf } from "./civilDate.js";
import { scheduleError } from "./scheduleError.js";

const day_s = 86_400;
/** The last second of the year 9999: far past any loan, and well inside what a number holds exactly. */
const last_s = 253_402_300_799;

export type Deadlines = {
  /** The first window is shorter than a month: origination did not fall on the anchor's day. */
  has_stub: boolean;
  /** UTC seconds, ascending, at least one. */
  deadlines_s: number[];
};

type Month = { year: number; month: number };

/**
 * When repayments fall due: at local midnight of the anchor's day (clamped to the month's length) each month, the first
 * after the day of origination, the last at or after `origination_s + total_duration_days`. Local time is UTC plus the
 * fixed offset of the terms; the contract knows no daylight saving.
 *
 * Source: the published behaviour of LoanRouterV2's schedule (v1.0 to v1.2 alike).
 * @throws CaliberError SCHEDULE_TIME for an origination outside the years 1971 to 9999
 */
export function deadlinesOf(spec: RepaymentSpec, origination_s: number): Deadlines {
  // Before 1971 a negative offset would wrap around in the contract.
  if (!Number.isSafeInteger(origination_s) || origination_s < 365 * day_s || origination_s > last_s) {
    throw scheduleError("SCHEDULE_TIME", `no schedule for an origination at ${origination_s} s`);
  }
  const { day, ...originMonth } = dateOfEpochDay(
    Math.floor((origination_s + spec.timezone_offset_s) / day_s),
  );
  const anchor = anchorDay(spec, originMonth);
  const floor_s = origination_s + spec.total_duration_days * day_s;
  const deadlines_s: number[] = [];
  let month = day >= anchor ? next(originMonth) : originMonth;
  for (let at_s = anchorOf(spec, month); ; at_s = anchorOf(spec, month)) {
    deadlines_s.push(at_s);
    if (at_s >= floor_s) return { has_stub: day !== anchor, deadlines_s };
    month = next(month);
  }
}

function anchorDay(spec: RepaymentSpec, { year, month }: Month): number {
  return Math.min(spec.day, daysInMonth(year, month));
}

function anchorOf(spec: RepaymentSpec, { year, month }: Month): number {
  return epochDayOf(year, month, anchorDay(spec, { year, month })) * day_s - spec.timezone_offset_s;
}

function next({ year, month }: Month): Month {
  return month === 12 ? { year: year + 1, month: 1 } : { year, month: month + 1 };
}
