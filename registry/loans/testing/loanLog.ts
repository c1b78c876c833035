import {
  type AbiEvent,
  type Address,
  type ContractEventArgs,
  encodeAbiParameters,
  encodeEventTopics,
  type Hex,
} from "viem";
import { encodeLoanTerms } from "../../credit/loanTerms/encodeLoanTerms.js";
import type { LoanTerms } from "../../credit/loanTerms/loanTerms.js";
import { loanTermsHash } from "../../credit/loanTerms/loanTermsHash.js";
import { testAddress, testTerms } from "../../credit/testing/testTerms.js";
import { oldRouterEvents, routerEvents, timelockEvents } from "../loanEventsAbi.js";
import type { LoanSettings } from "../loanSettings.js";

export const testSettings: LoanSettings = {
  chain_id: 31_337,
  router: testAddress(0x1001),
  timelock: testAddress(0x1002),
  collateral: testAddress(3),
  start_block: 1,
  depth_blocks: 64,
  range_blocks: 10,
};

/** What a contract logs: who, topics, data. */
export type RawLog = { address: Address; topics: Hex[]; data: Hex };

/** A loan on these tokens; `salt` makes it another one. */
export const loanOn = (token_ids: bigint[], salt = 0): LoanTerms =>
  testTerms({ collateral_token_ids: token_ids, options: `0x${salt.toString(16).padStart(2, "0")}` });

export const hashOf = (terms: LoanTerms): Hex => loanTermsHash(terms, testSettings.chain_id);

type Args = Record<string, unknown>;

function logOf(address: Address, item: AbiEvent, args: Args): RawLog {
  const topics = encodeEventTopics({
    abi: [item],
    eventName: item.name,
    args: args as ContractEventArgs,
  } as Parameters<typeof encodeEventTopics>[0]) as Hex[];
  const rest = item.inputs.filter(({ indexed }) => indexed !== true);
  const data = encodeAbiParameters(
    rest,
    rest.map(({ name }) => args[name!]),
  );
  return { address, topics, data };
}

function eventOf(abi: readonly AbiEvent[], name: string): AbiEvent {
  const item = abi.find((each) => each.name === name);
  if (item === undefined) throw new Error(`no event ${name}`);
  return item;
}

const { router, timelock } = testSettings;
const atTimelock = (name: string, args: Args) => logOf(timelock, eventOf(timelockEvents, name), args);
const atRouter = (name: string, args: Args) => logOf(router, eventOf(routerEvents, name), args);
const atOldRouter = (name: string, args: Args) => logOf(router, eventOf(oldRouterEvents, name), args);

export const depositor = testAddress(0x77);

function staged(terms: LoanTerms) {
  return {
    depositor,
    context: hashOf(terms),
    token: terms.collateral_token,
    tokenIds: terms.collateral_token_ids,
  };
}

/** Logs of timelock and router as the published contracts write them. */
export const loanLog = {
  deposited: (terms: LoanTerms, target: Address = router) =>
    atTimelock("Deposited", { ...staged(terms), target, expiration: terms.expiration_s }),
  canceled: (terms: LoanTerms, target: Address = router) =>
    atTimelock("Canceled", { ...staged(terms), target }),
  withdrawn: (terms: LoanTerms, withdrawer: Address = router) =>
    atTimelock("Withdrawn", { ...staged(terms), withdrawer }),
  originated: (terms: LoanTerms) =>
    atRouter("LoanOriginated", {
      loanTermsHash: hashOf(terms),
      loanTerms: encodeLoanTerms(terms, "1.2"),
    }),
  /** v1.1's. */
  originatedOld: (terms: LoanTerms) =>
    atOldRouter("LoanOriginated", {
      loanTermsHash: hashOf(terms),
      borrower: terms.borrower,
      currencyToken: terms.currency_token,
      principal: 1n,
      originationFee: 0n,
    }),
  repaid: (terms: LoanTerms, principal: bigint, isRepaid: boolean) =>
    atRouter("LoanRepaid", {
      loanTermsHash: hashOf(terms),
      borrower: terms.borrower,
      principal,
      interest: 5n,
      prepayment: 1n,
      fee: 2n,
      isRepaid,
    }),
  refinanced: (old: LoanTerms, terms: LoanTerms) =>
    atRouter("LoanRefinanced", {
      oldLoanTermsHash: hashOf(old),
      newLoanTermsHash: hashOf(terms),
      newLoanTerms: encodeLoanTerms(terms, "1.2"),
      cashOut: 0n,
      cashIn: 0n,
      refinanceFee: 0n,
    }),
  refinancedOld: (old: LoanTerms, terms: LoanTerms) =>
    atOldRouter("LoanRefinanced", {
      oldLoanTermsHash: hashOf(old),
      newLoanTermsHash: hashOf(terms),
      newLoanTerms: encodeLoanTerms(terms, "1.1"),
    }),
  breached: (terms: LoanTerms) => atRouter("LoanBreached", { loanTermsHash: hashOf(terms) }),
  liquidated: (terms: LoanTerms) => atRouter("LoanLiquidated", { loanTermsHash: hashOf(terms) }),
  proceeds: (terms: LoanTerms) =>
    atRouter("LiquidationProceedsDeposited", {
      loanTermsHash: hashOf(terms),
      proceeds: 100n,
      fee: 1n,
      surplus: 0n,
    }),
  of: (address: Address, item: AbiEvent, args: Args): RawLog => logOf(address, item, args),
};
