import { CaliberError } from "../../../protocol/errors.js";

export type ScheduleErrorCode =
  /** The contract's 256-bit arithmetic would revert. */
  | "SCHEDULE_OVERFLOW"
  /** The contract would divide by zero. */
  | "SCHEDULE_DIVISION"
  /** As many repayments were made as the schedule has windows, and a balance is left: the contract reverts. */
  | "SCHEDULE_ENDED"
  /** A time or date that the contract does not handle. */
  | "SCHEDULE_TIME"
  /** Options that their model does not decode or refuses. */
  | "MODEL_OPTIONS"
  /** An interest or fee model whose arithmetic is not known here. */
  | "MODEL_UNKNOWN"
  /** The sum does not cover what is due, or is none. */
  | "PAYMENT_REFUSED"
  /** The currency has more decimals than the router's scale (18). */
  | "CURRENCY_DECIMALS";

export function scheduleError(
  code: ScheduleErrorCode,
  message: string,
  options: { cause?: unknown } = {},
): CaliberError<ScheduleErrorCode> {
  return new CaliberError(code, message, options);
}
