import type { Address, Hex } from "viem";

/** Published versions of LoanRouterV2 whose terms this module reads: v1.2 added the fee kind `refinance`. */
export type RouterVersion = "1.1" | "1.2";

/** In the order of the contract's enum `FeeKind`. */
export const feeKinds = ["origination", "repayment", "exit", "liquidation", "refinance"] as const;
export type FeeKind = (typeof feeKinds)[number];

/** `amount` in the currency's own units; `rate` per second, scaled by 1e18. */
export type TrancheSpec = { lender: Address; amount: bigint; rate: bigint };

/** The zero address as `recipient` stands for the router's own fee recipient. */
export type FeeSpec = { kind: FeeKind; recipient: Address; model: Address; options: Hex };

export type RepaymentSpec = {
  total_duration_days: number;
  /** Day of the month that repayments fall on, clamped to the month's length. */
  day: number;
  /** What is added to UTC to get the loan's local time. */
  timezone_offset_s: number;
};

/** What a loan of LoanRouterV2 was agreed on (its `LoanTermsV2`). Addresses in lower case. */
export type LoanTerms = {
  expiration_s: bigint;
  borrower: Address;
  currency_token: Address;
  collateral_token: Address;
  repayment: RepaymentSpec;
  interest: { model: Address; options: Hex };
  /** Ordered: the timelock's receipt hashes the list as it stands. */
  collateral_token_ids: bigint[];
  tranches: TrancheSpec[];
  fees: FeeSpec[];
  approval_addresses: Address[];
  options: Hex;
};
