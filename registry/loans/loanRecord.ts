import type { Address, Hex } from "viem";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import type { Place } from "./loanEvent.js";

/**
 * `staged`: collateral in the timelock under this loan's hash. `returned`: staged and taken back, never a loan.
 * `taken`: withdrawn from the timelock by its target, and not (yet) originated by the router that is indexed.
 * `repaid`: paid off, collateral with the borrower. `refinanced`: goes on as another loan, which holds the collateral.
 * `liquidated`: collateral with the liquidator. `sold`: proceeds paid out.
 */
export type LoanPhase =
  | "staged"
  | "returned"
  | "taken"
  | "active"
  | "breached"
  | "repaid"
  | "refinanced"
  | "liquidated"
  | "sold";

/** One deposit in the timelock. */
export type Staging = {
  depositor: Address;
  target: Address;
  token: Address;
  token_ids: bigint[];
  /** After it the target can no longer take the collateral; it stays until the depositor takes it back. */
  expiration_s: bigint;
  state: "staged" | "withdrawn" | "canceled";
  place: Place;
};

/** A loan as its logs tell it. Sums in the currency's units. */
export type LoanRecord = {
  loan: Hex;
  phase: LoanPhase;
  /** Whether its collateral is bound by it: staged, lent on, or with the liquidator. */
  is_pledged: boolean;
  terms: LoanTerms | null;
  /** What the terms name; until they are known, what was staged. */
  collateral: { token: Address; token_ids: bigint[] }[];
  stagings: Staging[];
  originated: Place | null;
  refinanced_from: Hex | null;
  refinanced_to: Hex | null;
  repaid: { payments: number; principal: bigint; interest: bigint; prepayment: bigint; fee: bigint };
  last: Place;
};
