import type { Address, Hex } from "viem";
import { healthStates } from "../../protocol/health/healthState.js";
import type { DeviceFold } from "../health/deviceFold.js";
import { assuranceOf } from "../health/raise.js";
import type { GatePolicy, TitleFacts } from "./approvalFacts.js";
import type { ApprovalFailure } from "./approvalFailure.js";
import { expectedFingerprint } from "./expectedFingerprint.js";

/** A token that stands for a loan, from all sides. */
export type TokenFactsForLoan = {
  token_id: bigint;
  /** The device that has it by the registry's own log; null for none. */
  fold: DeviceFold | null;
  isRevoked: boolean;
  /** Null for a token that does not live on chain. */
  title: TitleFacts | null;
  /** What the terms say its fingerprint is; null where they say nothing. */
  agreed: Hex | null;
  /** Other loans that have a hold on it. */
  others: { loan: Hex; hold: string }[];
};

export type TokenRules = {
  policy: GatePolicy;
  timelock: Address;
  /** The block's time. */
  chain_s: number;
  now_ms: number;
  /** Evidence older than this is not fresh. */
  fresh_within_ms: number;
  /** Simulated GPUs secure nothing but a development chain's loans. */
  allows_simulated: boolean;
};

const stateNames = new Map<number, string>(Object.entries(healthStates).map(([name, n]) => [n, name]));

/** What keeps one token from securing the loan; empty when nothing does. */
export function judgeToken(facts: TokenFactsForLoan, rules: TokenRules): ApprovalFailure[] {
  const failures: ApprovalFailure[] = [];
  const fail: Fail = (code, text) => failures.push({ code, token_id: String(facts.token_id), text });
  for (const { loan, hold } of facts.others) fail("PLEDGED", `loan ${loan} has it: ${hold}`);
  if (facts.fold === null) fail("TOKEN_UNKNOWN", "no device of this registry has this token");
  else judgeDevice(facts.fold, facts.isRevoked, rules, fail);
  if (facts.title === null) fail("TITLE_MISSING", "no such token lives on chain");
  else judgeTitle(facts.title, facts, rules, fail);
  return failures;
}

type Fail = (code: ApprovalFailure["code"], text: string) => void;

function judgeDevice(fold: DeviceFold, isRevoked: boolean, rules: TokenRules, fail: Fail): void {
  const { policy, now_ms } = rules;
  const { identity } = assuranceOf(fold);
  if (fold.simulated && !rules.allows_simulated) fail("SIMULATED", "the GPU is simulated");
  if (isRevoked) fail("HOST_REVOKED", `host ${fold.host} is revoked`);
  const age_ms = fold.fresh_ms === null ? null : now_ms - fold.fresh_ms;
  if (age_ms === null) fail("NOT_FRESH", "the device has never proved itself");
  else if (age_ms > rules.fresh_within_ms) fail("NOT_FRESH", `last proved itself ${age_ms} ms ago`);
  if (!accepts(policy, healthStates[fold.state])) fail("HEALTH_REFUSED", `${fold.state}: ${fold.cause}`);
  const known = (fold.key === "tpm" ? 1 : 0) | (identity === "silicon" ? 2 : 0);
  const missing = policy.required_assurance & ~known;
  if (missing !== 0) fail("ASSURANCE_MISSING", `${namesOf(missing)} asked for and not known`);
  if (policy.needs_presence && identity !== "silicon") {
    fail("PRESENCE_STALE", "the GPU's silicon has not answered lately");
  }
}

function judgeTitle(title: TitleFacts, facts: TokenFactsForLoan, rules: TokenRules, fail: Fail): void {
  const { policy, timelock, chain_s } = rules;
  if (title.holder !== timelock) fail("NOT_IN_TIMELOCK", `${title.holder} holds it`);
  if (facts.fold !== null && expectedFingerprint(facts.fold, facts.token_id, title) !== title.fingerprint) {
    fail("FINGERPRINT_DIFFERS", "the title is not that of the hardware as the registry knows it");
  }
  if (facts.agreed !== null && facts.agreed.toLowerCase() !== title.fingerprint) {
    fail("FINGERPRINT_NOT_AGREED", `the terms say ${facts.agreed}, the title is ${title.fingerprint}`);
  }
  if (title.disputed_until_s >= chain_s) fail("TITLE_DISPUTED", `until ${title.disputed_until_s}`);
  if (!accepts(policy, title.state)) {
    fail("HEALTH_ON_CHAIN_REFUSED", stateNames.get(title.state) ?? `state ${title.state}`);
  }
  const missing = policy.required_assurance & ~title.assurance;
  if (missing !== 0) fail("ASSURANCE_ON_CHAIN_MISSING", `${namesOf(missing)} asked for and not in the title`);
  if (policy.needs_presence && chain_s > title.assured_until_s) {
    fail("PRESENCE_ON_CHAIN_STALE", `counted until ${title.assured_until_s}`);
  }
}

const accepts = ({ accepted_states }: GatePolicy, state: number): boolean =>
  ((accepted_states >> BigInt(state)) & 1n) === 1n;

const namesOf = (bits: number): string =>
  [
    ...((bits & 1) === 0 ? [] : ["a key in a TPM"]),
    ...((bits & 2) === 0 ? [] : ["an identity from silicon"]),
  ].join(" and ");
