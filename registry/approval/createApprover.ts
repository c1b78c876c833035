import { type Address, BaseError, ContractFunctionRevertedError, type Hex, type LocalAccount } from "viem";
import { caliberGateAbi } from "../../contracts-abi/abi/CaliberGate.js";
import { CaliberError } from "../../protocol/errors.js";
import type { ChainBody } from "../../protocol/log/entryBodies.js";
import type { AttestorSignature } from "../chain/attestorSignature.js";
import type { Deployment } from "../chain/deployment.js";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import { loanTermsHash } from "../credit/loanTerms/loanTermsHash.js";
import type { DeviceFold } from "../health/deviceFold.js";
import type { LoanView } from "../loans/loanView.js";
import { tokenHold } from "../loans/tokenHold.js";
import { agreedFingerprints } from "./agreedFingerprints.js";
import type { ApprovalFacts } from "./approvalFacts.js";
import type { ApprovalFailure } from "./approvalFailure.js";
import { chainUnreadable } from "./chainUnreadable.js";
import { abiApproval, type GateApproval, gateSignature, loanDigest, signApproval } from "./gateApproval.js";
import { judgeLoan } from "./judgeLoan.js";
import { judgeToken } from "./judgeToken.js";
import { type ApprovalNode, readAgreedFacts } from "./readAgreedFacts.js";

export type ApprovalAnswer = {
  loan: Hex;
  gate: Address;
  /** Where the chain was read. */
  block: { number: number; hash: Hex };
} & (
  | {
      approved: true;
      approval: GateApproval;
      attestor_signature: AttestorSignature;
      /** How many attestors must sign the very same approval. */
      threshold: number;
      /** What `originate` takes as the gate's signature; null where other attestors must sign as well. */
      signature: Hex | null;
    }
  | { approved: false; failures: ApprovalFailure[] }
);

export type Approver = {
  /**
   * Looks at a loan from all sides, and signs for the gate if nothing is wrong with it. What is signed stands in the
   * log before it is given out.
   *
   * @param deadline_s last second at which the approval may be used; null: an hour from the newest block
   * @throws CaliberError DEADLINE_INVALID, LOAN_TERMS_MALFORMED, LOAN_TERMS_FEE_KIND, CHAIN_UNREADABLE,
   *   CHAIN_ENDPOINTS_DISAGREE, CONTRACT_INVALID, CHAIN_WRONG_CHAIN, CHAIN_CONTRACTS_MISSING
   */
  approve(terms: LoanTerms, deadline_s: number | null): Promise<ApprovalAnswer>;
};

export type ApproverOptions = {
  /** At least one; all are asked, and have to agree. */
  nodes: readonly ApprovalNode[];
  /** One of the attestors. */
  account: LocalAccount;
  deployment: Deployment & { gate: Address };
  loans: { view: LoanView; router: Address; timelock: Address; max_age_ms: number };
  devices: () => Iterable<DeviceFold>;
  isRevoked: (host: string) => boolean;
  fresh_within_ms: () => number;
  /** Puts an approval into the log; durable when it returns. */
  record: (body: Extract<ChainBody, { type: "approved" }>) => void;
  now_ms: () => number;
};

const deadline_default_s = 3600;
const deadline_max_s = 86_400;
/** Chains that hold no money. */
const developmentChains: ReadonlySet<number> = new Set([1337, 31_337]);

export function createApprover(options: ApproverOptions): Approver {
  const { nodes, account, deployment, loans, now_ms } = options;
  const { chain_id, gate, token, health } = deployment;
  const { router, timelock, view } = loans;
  const domain = { chain_id, gate, router };
  const contracts = { token, health, timelock, router, gate };
  const attestor = account.address.toLowerCase() as Address;

  /** All failures, in the order in which a person would look for them: the loan's, then each token's. */
  function judge(terms: LoanTerms, loan: Hex, facts: ApprovalFacts): ApprovalFailure[] {
    const agreed = agreedFingerprints(terms.options);
    const folds = new Map(
      [...options.devices()].flatMap((fold) =>
        fold.token?.chain_id === chain_id && fold.token.contract === token
          ? [[fold.token.token_id, fold]]
          : [],
      ) as [string, DeviceFold][],
    );
    const rules = {
      policy: facts.policy,
      timelock,
      chain_s: facts.block.time_s,
      now_ms: now_ms(),
      fresh_within_ms: options.fresh_within_ms(),
      allows_simulated: developmentChains.has(chain_id),
    };
    const ids = [...new Set(terms.collateral_token_ids)];
    const loansOf = view.loansOfTokens(ids);
    const ofTokens = ids.flatMap((token_id) => {
      const fold = folds.get(String(token_id)) ?? null;
      const place = terms.collateral_token_ids.indexOf(token_id);
      return judgeToken(
        {
          token_id,
          fold,
          isRevoked: fold !== null && options.isRevoked(fold.host),
          title: facts.titles.get(token_id) ?? null,
          agreed: agreed === null ? null : (agreed[place] ?? "0x"),
          others: otherHolds(token_id, loansOf.get(token_id)?.history ?? [], loan),
        },
        rules,
      );
    });
    return [...judgeLoan(terms, facts, contracts, attestor), ...staleIndex(), ...ofTokens];
  }

  function otherHolds(token_id: bigint, history: Hex[], loan: Hex) {
    return history.flatMap((hash) => {
      const record = hash === loan ? null : view.loan(hash);
      const hold = record === null ? "free" : tokenHold(record, token, token_id);
      return hold === "free" ? [] : [{ loan: hash, hold }];
    });
  }

  function staleIndex(): ApprovalFailure[] {
    try {
      view.assertCurrent(loans.max_age_ms);
      return [];
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      return [{ code: "LOANS_NOT_CURRENT", token_id: null, text: error.message }];
    }
  }

  /** The contract's own word on what is about to be given out; null when it takes it, by the word of each node. */
  async function refusalOf(approval: GateApproval, signed: AttestorSignature): Promise<string | null> {
    for (const node of nodes) {
      const text = await refusalBy(node, approval, signed);
      if (text !== null) return text;
    }
    return null;
  }

  async function refusalBy(
    { name, client }: ApprovalNode,
    approval: GateApproval,
    signed: AttestorSignature,
  ) {
    try {
      await client.readContract({
        address: gate,
        abi: caliberGateAbi,
        functionName: "check",
        args: [loanDigest(domain, approval.loan), abiApproval(approval), [signed]],
      });
      return null;
    } catch (error) {
      const revert =
        error instanceof BaseError ? error.walk((at) => at instanceof ContractFunctionRevertedError) : null;
      if (!(revert instanceof ContractFunctionRevertedError)) throw chainUnreadable(name, error);
      const args = revert.data?.args ?? [];
      return `${revert.data?.errorName ?? revert.signature ?? "reverted"}(${args.join(", ")})`;
    }
  }

  return {
    async approve(terms, wanted_s) {
      const loan = loanTermsHash(terms, chain_id);
      const token_ids = terms.collateral_token_ids;
      const facts = await readAgreedFacts(nodes, { deployment, gate, router, timelock, loan, token_ids });
      const { time_s, number, hash } = facts.block;
      const deadline_s = wanted_s ?? time_s + deadline_default_s;
      if (deadline_s <= time_s || deadline_s > time_s + deadline_max_s) {
        throw new CaliberError(
          "DEADLINE_INVALID",
          `a deadline lies within ${deadline_max_s} s after the newest block, which is of ${time_s}`,
          { disposition: "user" },
        );
      }
      const about = { loan, gate, block: { number: Number(number), hash } };
      const failures = judge(terms, loan, facts);
      if (failures.length > 0) return { ...about, approved: false, failures };

      const fingerprints = token_ids.map((id) => facts.titles.get(id)!.fingerprint);
      const approval: GateApproval = { loan, token_ids, fingerprints, deadline_s };
      const attestor_signature = await signApproval(account, domain, approval);
      const { threshold } = facts;
      // With others still to sign the contract could say nothing but that their signatures are missing.
      const text = threshold > 1 ? null : await refusalOf(approval, attestor_signature);
      if (text !== null) {
        return { ...about, approved: false, failures: [{ code: "GATE_REFUSES", token_id: null, text }] };
      }
      options.record({
        type: "approved",
        loan,
        gate,
        token_ids: token_ids.map(String),
        fingerprints,
        deadline_s,
        attestor,
        block: about.block.number,
        block_hash: hash,
      });
      return {
        ...about,
        approved: true,
        approval,
        attestor_signature,
        threshold,
        signature: threshold > 1 ? null : gateSignature(approval, [attestor_signature]),
      };
    },
  };
}
