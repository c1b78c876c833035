/** In the order of the contract's enum `LoanStatus`. */
export const loanStatuses = [
  "uninitialized",
  "active",
  "repaid",
  "breached",
  "liquidated",
  "collateral_liquidated",
] as const;
export type LoanStatus = (typeof loanStatuses)[number];

/** A loan's state as `loanState(bytes32)` gives it. */
export type LoanState = {
  status: LoanStatus;
  /** Scheduled repayments made; a prepayment by itself is none. */
  repayment_count: number;
  origination_s: number;
  /** Outstanding principal, scaled to 18 decimals whatever the currency has. */
  scaled_balance: bigint;
};
