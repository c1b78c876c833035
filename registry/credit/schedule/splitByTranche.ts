import type { TrancheSpec } from "../loanTerms/loanTerms.js";
import { checkedUint256 } from "./checkedUint256.js";
import { mulDiv } from "./mulDiv.js";

/** Each tranche's part of a sum by weight, rounded down; what rounding leaves goes to the first. */
export function splitByTranche(
  sum: bigint,
  tranches: TrancheSpec[],
  weightOf: (tranche: TrancheSpec) => bigint,
): bigint[] {
  const weights = tranches.map((tranche) => checkedUint256(weightOf(tranche)));
  const total = checkedUint256(weights.reduce((all, weight) => all + weight, 0n));
  const [first = 0n, ...rest] = weights.map((weight) => mulDiv(sum, weight, total));
  const given = rest.reduce((all, part) => all + part, first);
  return [first + sum - given, ...rest];
}
