import type { Address, Hex } from "viem";
import type { LoanEvent } from "./loanEvent.js";

export type Mention = { loan: Hex; token: Address | null; token_id: bigint | null };

/** Which loans, and which tokens with them, a log is about: what it is found by. */
export function mentionsOf(event: LoanEvent): Mention[] {
  switch (event.kind) {
    case "deposited":
    case "canceled":
    case "withdrawn":
      return withTokens(event.loan, event.token, event.token_ids);
    case "originated":
      return withTerms(event.loan, event.terms);
    case "refinanced":
      return [bare(event.loan), ...withTerms(event.new_loan, event.terms)];
    default:
      return [bare(event.loan)];
  }
}

function withTerms(
  loan: Hex,
  terms: { collateral_token: Address; collateral_token_ids: bigint[] } | null,
): Mention[] {
  return terms === null ? [bare(loan)] : withTokens(loan, terms.collateral_token, terms.collateral_token_ids);
}

function withTokens(loan: Hex, token: Address, token_ids: bigint[]): Mention[] {
  // The bare one too: a list may be empty, and a loan must be found by its hash.
  return [bare(loan), ...token_ids.map((token_id) => ({ loan, token, token_id }))];
}

function bare(loan: Hex): Mention {
  return { loan, token: null, token_id: null };
}
