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
  /** Without the tokens that no loan and no deposit has ever named. The cost is that of the loans, not of the tokens. */
  loansOfTokens(token_ids: readonly bigint[]): Map<bigint, TokenLoan>;
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

  /** Of those that have any log. */
  function details(hashes: readonly Hex[]): Map<Hex, LoanDetail> {
    const found = new Map<Hex, LoanDetail>();
    const [allEvents, allTerms, states] = [store.eventsOf(hashes), store.terms(hashes), store.states(hashes)];
    const confirmed_number = store.cursor().confirmed.number;
    for (const [hash, events] of allEvents) {
      const terms = allTerms.get(hash) ?? null;
      const confirmed = events.filter(({ place }) => place.block_number <= confirmed_number);
      found.set(hash, {
        ...foldLoan(hash, events, router, terms)!,
        confirmed_phase: foldLoan(hash, confirmed, router, terms)?.phase ?? null,
        chain_state: states.get(hash) ?? null,
      });
    }
    return found;
  }

  function known(all: Map<Hex, LoanDetail>, hash: Hex): LoanDetail {
    const detail = all.get(hash);
    if (detail === undefined) throw new Error(`loan ${hash} is mentioned and has no log`);
    return detail;
  }

  return {
    loan: (hash) => details([hash]).get(hash) ?? null,
    loansOfTokens(token_ids) {
      const histories = store.loansOfTokens(collateral, token_ids);
      const all = details([...new Set([...histories.values()].flat())]);
      const found = new Map<bigint, TokenLoan>();
      for (const [token_id, history] of histories) {
        const claims = history.map((hash) => {
          const loan = known(all, hash);
          return { loan, hold: tokenHold(loan, collateral, token_id) };
        });
        const claim = claims.find(({ hold }) => hold !== "free") ?? claims[0];
        if (claim !== undefined) found.set(token_id, { ...claim, history });
      }
      return found;
    },
    loans({ after, limit }) {
      const hashes = store.loans(after, limit);
      const all = details(hashes);
      return hashes.map((hash) => known(all, hash));
    },
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
