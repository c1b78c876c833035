import { type AbiEvent, type Address, decodeEventLog, type Hex, toEventSelector } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { decodeLoanTerms } from "../credit/loanTerms/decodeLoanTerms.js";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import { loanTermsHash } from "../credit/loanTerms/loanTermsHash.js";
import type { ChainLog } from "./loanChain.js";
import type { LoanEvent } from "./loanEvent.js";
import { ignoredEvents, oldRouterEvents, routerEvents, timelockEvents } from "./loanEventsAbi.js";
import type { LoanSettings } from "./loanSettings.js";
import { loansError } from "./loansError.js";

type Source = Pick<LoanSettings, "chain_id" | "router" | "timelock">;
type Log = Pick<ChainLog, "address" | "topics" | "data">;

const selectorsOf = (events: readonly AbiEvent[]): Set<Hex> =>
  new Set(events.map((item) => toEventSelector(item)));
const ofTimelock = selectorsOf(timelockEvents);
const ofRouter = selectorsOf(routerEvents);
const ofOldRouter = selectorsOf(oldRouterEvents);
const ignored = selectorsOf(ignoredEvents);

type ReadTerms = (bytes: Hex, loan: Hex, chain_id: number) => LoanTerms | null;

/**
 * A log of timelock or router. Null for one that says nothing of a loan's state, "unknown" for an event that this
 * version has never heard of: a router upgraded past v1.2 may say with it what must not be missed.
 * `readTerms` spares whoever knows the terms the work of reading them again.
 * @throws CaliberError LOANS_LOG_UNREADABLE
 */
export function decodeLoanLog(
  log: Log,
  source: Source,
  readTerms: ReadTerms = termsIn,
): LoanEvent | "unknown" | null {
  const selector = log.topics[0];
  if (selector === undefined) return "unknown";
  if (log.address === source.timelock && ofTimelock.has(selector)) return timelockEvent(log);
  if (log.address === source.router && ofRouter.has(selector))
    return routerEvent(log, source.chain_id, readTerms);
  if (log.address === source.router && ofOldRouter.has(selector))
    return oldRouterEvent(log, source.chain_id, readTerms);
  return ignored.has(selector) ? null : "unknown";
}

function timelockEvent(log: Log): LoanEvent {
  const { eventName, args } = decoded(timelockEvents, log);
  const staged = {
    loan: args.context,
    depositor: lower(args.depositor),
    token: lower(args.token),
    token_ids: [...args.tokenIds],
  };
  if (eventName === "Deposited") {
    return { kind: "deposited", ...staged, target: lower(args.target), expiration_s: args.expiration };
  }
  return eventName === "Canceled"
    ? { kind: "canceled", ...staged, target: lower(args.target) }
    : { kind: "withdrawn", ...staged, withdrawer: lower(args.withdrawer) };
}

function routerEvent(log: Log, chain_id: number, readTerms: ReadTerms): LoanEvent {
  const { eventName, args } = decoded(routerEvents, log);
  switch (eventName) {
    case "LoanOriginated": {
      const loan = args.loanTermsHash;
      return { kind: "originated", loan, terms: readTerms(args.loanTerms, loan, chain_id) };
    }
    case "LoanRefinanced":
      return refinanced(args, chain_id, readTerms);
    case "LoanRepaid": {
      const { loanTermsHash: loan, principal, interest, prepayment, fee, isRepaid: is_repaid } = args;
      return { kind: "repaid", loan, principal, interest, prepayment, fee, is_repaid };
    }
    case "LoanBreached":
      return { kind: "breached", loan: args.loanTermsHash };
    case "LoanLiquidated":
      return { kind: "liquidated", loan: args.loanTermsHash };
    case "LiquidationProceedsDeposited": {
      const { loanTermsHash: loan, proceeds, fee, surplus } = args;
      return { kind: "proceeds", loan, proceeds, fee, surplus };
    }
  }
}

function oldRouterEvent(log: Log, chain_id: number, readTerms: ReadTerms): LoanEvent {
  const { eventName, args } = decoded(oldRouterEvents, log);
  if (eventName === "LoanRefinanced") return refinanced(args, chain_id, readTerms);
  return { kind: "originated", loan: args.loanTermsHash, terms: null };
}

function refinanced(
  args: { oldLoanTermsHash: Hex; newLoanTermsHash: Hex; newLoanTerms: Hex },
  chain_id: number,
  readTerms: ReadTerms,
): LoanEvent {
  const { oldLoanTermsHash: loan, newLoanTermsHash: new_loan, newLoanTerms } = args;
  return { kind: "refinanced", loan, new_loan, terms: readTerms(newLoanTerms, new_loan, chain_id) };
}

/** Terms count only under their own hash. What a later router writes in another form leaves the loan without terms. */
function termsIn(bytes: Hex, loan: Hex, chain_id: number): LoanTerms | null {
  try {
    const terms = decodeLoanTerms(bytes, "1.2");
    return loanTermsHash(terms, chain_id) === loan ? terms : null;
  } catch (error) {
    if (error instanceof CaliberError) return null;
    throw error;
  }
}

function decoded<const Abi extends readonly AbiEvent[]>(abi: Abi, { topics, data }: Log) {
  try {
    return decodeEventLog({ abi, topics: topics as [Hex, ...Hex[]], data, strict: true });
  } catch (cause) {
    throw loansError("LOANS_LOG_UNREADABLE", `a log of event ${topics[0]} does not decode`, { cause });
  }
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
