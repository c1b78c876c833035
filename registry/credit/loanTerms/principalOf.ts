import { checkedUint256 } from "../schedule/checkedUint256.js";
import type { LoanTerms } from "./loanTerms.js";

/** The sum that all tranches lend, in the currency's own units. Throws CaliberError SCHEDULE_OVERFLOW past 2^256. */
export function principalOf({ tranches }: LoanTerms): bigint {
  return checkedUint256(tranches.reduce((sum, { amount }) => sum + amount, 0n));
}
