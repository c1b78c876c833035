import type { Hex } from "viem";
import { foldLoan } from "./foldLoan.js";
import type { LoanPhase, LoanRecord } from "./loanRecord.js";
import type { LoanSettings } from "./loanSettings.js";
import type { LoanStore, StoredState, UnknownEvent } from "./loanStore.js";
import { loansError } from "./loansError.js";
import { type TokenHold, tokenHold } from "./tokenHold.js";

export type LoanDetail = LoanRecord & {
  /** The phase by confirmed logs alone; null when none of its logs is. */
  confirmed_phase: LoanPhase | null;
  /** As the router itself says, at a block where these logs were the last. Null until it was asked. */
  chain_state: StoredState | null;
};

export type TokenLoan = {
  hold: TokenHold;
  /** The loan that binds the token, or else the last that named it. */
  loan: LoanDetail;
  /** All that ever named it, the latest first. */
  history: Hex[];
};

export type LoanIndexStatus = {
  /** Null until the chain was read to its end. */
  head: { number: number; hash: Hex; time_s: number; read_ms: number } | null;
  confirmed_number: number;
  is_whole: boolean;
  /** Events of router or timelock that this version does not know: it may have missed what they mean. */
  unknown_events: UnknownEvent[];
};

/** What the index knows, read afresh with each call. */
export type LoanView = {
  loan(loan: Hex): LoanDetail | null;
  /** Null for a token that no loan and no deposit has ever named. */
  loanOfToken(token_id: bigint): TokenLoan | null;
  /** In the order of their hashes; `after` is the last one of the page before. */
  loans(page: { after: Hex | null; limit: number }): LoanDetail[];
  status(): LoanIndexStatus;
  /**
   * For whoever is about to sign by what the index says.
   * @throws CaliberError LOANS_NOT_CURRENT when it is not whole, or the chain's end was read longer ago than this
   */
  assertCurrent(max_age_ms: number): void;
};

export function createLoanView(store: LoanStore, settings: LoanSettings, now_ms: () => number): LoanView {
  const { router, collateral } = settings;

  function loan(hash: Hex): LoanDetail | null {
    const events = store.eventsOf(hash);
    const terms = store.terms(hash);
    const record = foldLoan(hash, events, router, terms);
    if (record === null) return null;
    const confirmed_number = store.cursor().confirmed.number;
    const confirmed = events.filter(({ place }) => place.block_number <= confirmed_number);
    return {
      ...record,
      confirmed_phase: foldLoan(hash, confirmed, router, terms)?.phase ?? null,
      chain_state: store.state(hash),
    };
  }

  function known(hash: Hex): LoanDetail {
    const detail = loan(hash);
    if (detail === null) throw new Error(`loan ${hash} is mentioned and has no log`);
    return detail;
  }

  return {
    loan,
    loanOfToken(token_id) {
      const history = store.loansOfToken(collateral, token_id);
      const claims = history.map((hash) => {
        const detail = known(hash);
        return { loan: detail, hold: tokenHold(detail, collateral, token_id) };
      });
      const claim = claims.find(({ hold }) => hold !== "free") ?? claims[0];
      return claim === undefined ? null : { ...claim, history };
    },
    loans: ({ after, limit }) => store.loans(after, limit).map(known),
    status() {
      const { head, confirmed, is_whole } = store.cursor();
      return { head, confirmed_number: confirmed.number, is_whole, unknown_events: store.unknownEvents() };
    },
    assertCurrent(max_age_ms) {
      const { head, is_whole } = store.cursor();
      if (!is_whole || head === null) {
        throw loansError("LOANS_NOT_CURRENT", "the loan index has not read the chain to its end");
      }
      const age_ms = now_ms() - head.read_ms;
      if (age_ms > max_age_ms) {
        throw loansError("LOANS_NOT_CURRENT", `the chain was last read to its end ${age_ms} ms ago`);
      }
    },
  };
}
