import { checkedUint256 } from "./checkedUint256.js";
import { scheduleError } from "./scheduleError.js";

/**
 * `a * b / divisor` of unsigned integers with a product of any width, as OpenZeppelin's `Math.mulDiv`.
 * @throws CaliberError SCHEDULE_DIVISION, SCHEDULE_OVERFLOW when the quotient does not fit 256 bits
 */
export function mulDiv(a: bigint, b: bigint, divisor: bigint, rounding: "floor" | "ceil" = "floor"): bigint {
  if (divisor === 0n) throw scheduleError("SCHEDULE_DIVISION", "division by zero");
  const product = a * b;
  const up = rounding === "ceil" && product % divisor !== 0n;
  return checkedUint256(product / divisor + (up ? 1n : 0n));
}
