import type { Address, Hex } from "viem";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";

/** Where on the chain something stands. `time_s` is the block's. */
export type Place = {
  block_number: number;
  block_hash: Hex;
  log_index: number;
  tx_hash: Hex;
  time_s: number;
};

type Staged = { loan: Hex; depositor: Address; token: Address; token_ids: bigint[] };

/**
 * What timelock and router say of a loan. `loan` is the hash of its terms (the timelock's `context`, which a depositor
 * chooses: before origination nothing but its word joins the collateral to that loan). Sums in the currency's units,
 * rounded down by the router. `terms` is null where the log lacks them (before v1.2) or holds what cannot be read.
 */
export type LoanEvent =
  | ({ kind: "deposited"; target: Address; expiration_s: bigint } & Staged)
  | ({ kind: "canceled"; target: Address } & Staged)
  | ({ kind: "withdrawn"; withdrawer: Address } & Staged)
  | { kind: "originated"; loan: Hex; terms: LoanTerms | null }
  | {
      kind: "repaid";
      loan: Hex;
      principal: bigint;
      interest: bigint;
      prepayment: bigint;
      fee: bigint;
      is_repaid: boolean;
    }
  | { kind: "refinanced"; loan: Hex; new_loan: Hex; terms: LoanTerms | null }
  | { kind: "breached"; loan: Hex }
  | { kind: "liquidated"; loan: Hex }
  | { kind: "proceeds"; loan: Hex; proceeds: bigint; fee: bigint; surplus: bigint };

export type PlacedEvent = LoanEvent & { place: Place };
