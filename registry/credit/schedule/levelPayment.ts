import { checkedUint256 } from "./checkedUint256.js";
import { fixedPoint } from "./fixedPoint.js";
import { mulDiv } from "./mulDiv.js";

/**
 * The equal payment that brings a balance to zero over windows of different lengths: with the growth factor
 * g = 1 + rate × seconds of each window, balance × Πg / (sum of the products of the factors *after* each window).
 * Folded from the last window back, each step rounded down to 18 decimals, as the contract does.
 */
export function levelPayment(scaled_balance: bigint, rate: bigint, windows_s: number[]): bigint {
  let growth = fixedPoint;
  let divisor = 0n;
  for (const window_s of windows_s.toReversed()) {
    divisor = checkedUint256(divisor + growth);
    const factor = checkedUint256(fixedPoint + checkedUint256(rate * BigInt(window_s)));
    growth = mulDiv(growth, factor, fixedPoint);
  }
  return mulDiv(scaled_balance, growth, divisor);
}
