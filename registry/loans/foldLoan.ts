import type { Address, Hex } from "viem";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import type { LoanEvent, Place, PlacedEvent } from "./loanEvent.js";
import type { LoanPhase, LoanRecord, Staging } from "./loanRecord.js";

const pledged: ReadonlySet<LoanPhase> = new Set(["staged", "taken", "active", "breached", "liquidated"]);

type Draft = {
  /** Null until the router has spoken: the stagings say it then. */
  phase: LoanPhase | null;
  terms: LoanTerms | null;
  stagings: Staging[];
  originated: Place | null;
  refinanced_from: Hex | null;
  refinanced_to: Hex | null;
  repaid: LoanRecord["repaid"];
};

/**
 * One loan from all logs that name it, in the chain's order. Null when there are none. `known` are terms learned
 * elsewhere, under this loan's hash.
 */
export function foldLoan(
  loan: Hex,
  events: PlacedEvent[],
  router: Address,
  known: LoanTerms | null,
): LoanRecord | null {
  const last = events.at(-1)?.place;
  if (last === undefined) return null;
  const draft: Draft = {
    phase: null,
    terms: known,
    stagings: [],
    originated: null,
    refinanced_from: null,
    refinanced_to: null,
    repaid: { payments: 0, principal: 0n, interest: 0n, prepayment: 0n, fee: 0n },
  };
  for (const { place, ...event } of events) apply(draft, loan, event, place);
  const { phase: told, ...rest } = draft;
  const phase = told ?? stagedPhase(draft.stagings);
  return {
    loan,
    ...rest,
    phase,
    is_pledged: pledged.has(phase) || draft.stagings.some(({ state }) => state === "staged"),
    collateral: collateralOf(draft, router),
    last,
  };
}

function apply(draft: Draft, loan: Hex, event: LoanEvent, place: Place): void {
  switch (event.kind) {
    case "deposited": {
      const { depositor, target, token, token_ids, expiration_s } = event;
      draft.stagings.push({ depositor, target, token, token_ids, expiration_s, state: "staged", place });
      return;
    }
    case "canceled":
      settle(draft.stagings, { ...event, state: "canceled" });
      return;
    case "withdrawn":
      settle(draft.stagings, { ...event, target: event.withdrawer, state: "withdrawn" });
      return;
    case "originated":
      draft.phase = "active";
      draft.terms ??= event.terms;
      draft.originated = place;
      return;
    case "refinanced":
      if (event.new_loan === loan) {
        draft.phase = "active";
        draft.terms ??= event.terms;
        draft.originated = place;
        draft.refinanced_from = event.loan;
      } else {
        draft.phase = "refinanced";
        draft.refinanced_to = event.new_loan;
      }
      return;
    case "repaid": {
      const { repaid } = draft;
      repaid.payments += 1;
      for (const part of ["principal", "interest", "prepayment", "fee"] as const) repaid[part] += event[part];
      // Without its origination where the index starts in the middle of a loan.
      draft.phase = event.is_repaid ? "repaid" : (draft.phase ?? "active");
      return;
    }
    case "breached":
      draft.phase = "breached";
      return;
    case "liquidated":
      draft.phase = "liquidated";
      return;
    case "proceeds":
      draft.phase = "sold";
      return;
  }
}

/** The timelock's receipt is named by target, context, token and the ordered ids: at most one such deposit is open. */
function settle(stagings: Staging[], end: Pick<Staging, "target" | "token" | "token_ids" | "state">): void {
  const open = stagings.find(
    (staging) =>
      staging.state === "staged" &&
      staging.target === end.target &&
      staging.token === end.token &&
      sameIds(staging.token_ids, end.token_ids),
  );
  // None where the index starts after the deposit.
  if (open !== undefined) open.state = end.state;
}

function sameIds(a: bigint[], b: bigint[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** What is still in the timelock binds before what has left it. */
function stagedPhase(stagings: Staging[]): LoanPhase {
  if (stagings.some(({ state }) => state === "staged")) return "staged";
  return stagings.some(({ state }) => state === "withdrawn") ? "taken" : "returned";
}

function collateralOf({ terms, stagings, phase }: Draft, router: Address): LoanRecord["collateral"] {
  if (terms !== null && phase !== null) {
    return [{ token: terms.collateral_token, token_ids: terms.collateral_token_ids }];
  }
  // A loan without terms holds what the router took; before origination it is what lies there.
  const held = stagings.filter(({ state, target }) =>
    phase === null ? state !== "canceled" : state === "withdrawn" && target === router,
  );
  return held.map(({ token, token_ids }) => ({ token, token_ids }));
}
