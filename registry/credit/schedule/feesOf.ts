import type { FeeKind, FeeSpec, LoanTerms } from "../loanTerms/loanTerms.js";
import { checkedUint256 } from "./checkedUint256.js";
import { currencyScale } from "./currencyScale.js";
import { decodeAbsoluteFee, decodeRatioFee } from "./feeOptions.js";
import { fixedPoint } from "./fixedPoint.js";
import { type LoanModels, modelAt } from "./loanModels.js";
import type { LoanState } from "./loanState.js";
import { mulDiv } from "./mulDiv.js";

/** What the arithmetic needs to know beside terms and state. `decimals` is the currency's own. */
export type LoanMarket = { decimals: number; models: LoanModels };

/**
 * All fees of a kind, scaled to 18 decimals. The ratio model takes its share, rounded up, of the outstanding balance
 * or of `scaled_amount`: the loan's principal for an origination, a repayment or an exit, the proceeds for a
 * liquidation, the old balance for a refinance.
 * @throws CaliberError MODEL_UNKNOWN, MODEL_OPTIONS, SCHEDULE_OVERFLOW, CURRENCY_DECIMALS
 */
export function feesOf(
  kind: FeeKind,
  terms: LoanTerms,
  state: LoanState,
  scaled_amount: bigint,
  market: LoanMarket,
): bigint {
  return terms.fees
    .filter((fee) => fee.kind === kind)
    .reduce((sum, fee) => checkedUint256(sum + feeOf(fee, state, scaled_amount, market)), 0n);
}

function feeOf(fee: FeeSpec, state: LoanState, scaled_amount: bigint, market: LoanMarket): bigint {
  if (modelAt(market.models.fee, fee.model) === "absolute-1.0") {
    return checkedUint256(decodeAbsoluteFee(fee.options) * currencyScale(market.decimals));
  }
  const { of, rate } = decodeRatioFee(fee.options);
  return mulDiv(of === "balance" ? state.scaled_balance : scaled_amount, rate, fixedPoint, "ceil");
}
