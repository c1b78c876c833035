import { type Address, type Hex, type PublicClient, parseAbi } from "viem";
import { caliberGateAbi } from "../../contracts-abi/abi/CaliberGate.js";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { allDone } from "../chain/allDone.js";
import type { Deployment } from "../chain/deployment.js";
import { revertOf } from "../chain/revertOf.js";
import { depositTokenId } from "../credit/loanTerms/depositTokenId.js";
import type { ApprovalFacts, TitleFacts } from "./approvalFacts.js";
import { onContract } from "./onContract.js";

const timelockAbi = parseAbi([
  "function depositInfo(uint256) view returns (address depositor, address target, bytes32 context, address token, uint256[] tokenIds, uint64 expiration)",
]);
const routerAbi = parseAbi([
  "function loanState(bytes32 loanTermsHash) view returns (uint8 status, uint16 repaymentCount, uint64 originationTimestamp, uint256 scaledBalance)",
]);

/** Tokens that are read at once: a loan may have hundreds. */
const tokensAtOnce = 32;

export type ApprovalQuestion = {
  deployment: Deployment;
  gate: Address;
  router: Address;
  timelock: Address;
  loan: Hex;
  token_ids: bigint[];
};

/**
 * What the chain says about a loan and its collateral, all of it at one block.
 *
 * @throws CaliberError CONTRACT_INVALID when one of the contracts is not what it should be; viem's errors when the node
 *   does not answer
 */
export async function readApprovalFacts(
  client: PublicClient,
  question: ApprovalQuestion,
  blockNumber: bigint,
): Promise<ApprovalFacts> {
  const { deployment, router, timelock, loan, token_ids } = question;
  const block = await client.getBlock({ blockNumber });
  const at = { blockNumber } as const;
  const gate = { address: question.gate, abi: caliberGateAbi, ...at } as const;
  const token = { address: deployment.token, abi: caliberTokenAbi, ...at } as const;
  const health = { address: deployment.health, abi: caliberHealthAbi, ...at } as const;
  const receipt = depositTokenId(router, loan, deployment.token, token_ids);

  const ofGate = <Value>(read: Promise<Value>) => onContract("CaliberGate", question.gate, read);
  const ofToken = <Value>(read: Promise<Value>) => onContract("CaliberToken", deployment.token, read);
  const ofHealth = <Value>(read: Promise<Value>) => onContract("CaliberHealth", deployment.health, read);

  async function titleAt(token_id: bigint): Promise<TitleFacts | null> {
    const args = [token_id] as const;
    try {
      const [title, holder, fingerprint, health_] = await Promise.all([
        client.readContract({ ...token, functionName: "titleOf", args }),
        client.readContract({ ...token, functionName: "ownerOf", args }),
        client.readContract({ ...token, functionName: "getStateFingerprint", args }),
        ofHealth(client.readContract({ ...health, functionName: "healthOf", args })),
      ]);
      const [state, , , , assuredUntil] = health_;
      return {
        holder: lower(holder),
        fingerprint,
        strong_identity: title.strongIdentity,
        header_hash: title.headerHash,
        controller: lower(title.controller),
        assurance: title.assurance,
        disputed_until_s: Number(title.disputedUntil),
        state,
        assured_until_s: Number(assuredUntil),
      };
    } catch (error) {
      if (revertOf(error)?.name === "ERC721NonexistentToken") return null;
      throw error;
    }
  }

  const policy = await ofGate(
    Promise.all([
      client.readContract({ ...gate, functionName: "ACCEPTED_STATES" }),
      client.readContract({ ...gate, functionName: "REQUIRED_ASSURANCE" }),
      client.readContract({ ...gate, functionName: "NEEDS_PRESENCE" }),
    ]),
  );
  const [accepted_states, required_assurance, needs_presence] = policy;
  const made = await ofGate(
    Promise.all([
      client.readContract({ ...gate, functionName: "TOKEN" }),
      client.readContract({ ...gate, functionName: "HEALTH" }),
      client.readContract({ ...gate, functionName: "TIMELOCK" }),
      client.readContract({ ...gate, functionName: "ROUTER" }),
    ]),
  );
  const [knowsTimelock, knowsRouter, quorum, loanState, staging] = await Promise.all([
    ofToken(client.readContract({ ...token, functionName: "isCustodian", args: [timelock] })),
    ofToken(client.readContract({ ...token, functionName: "isCustodian", args: [router] })),
    ofHealth(client.readContract({ ...health, functionName: "quorum" })),
    onContract(
      "LoanRouterV2",
      router,
      client.readContract({
        address: router,
        abi: routerAbi,
        functionName: "loanState",
        args: [loan],
        ...at,
      }),
    ),
    onContract(
      "CollateralTimelock",
      timelock,
      client.readContract({
        address: timelock,
        abi: timelockAbi,
        functionName: "depositInfo",
        args: [receipt],
        ...at,
      }),
    ),
  ]);
  const titles = new Map<bigint, TitleFacts | null>();
  for (let from = 0; from < token_ids.length; from += tokensAtOnce) {
    const part = token_ids.slice(from, from + tokensAtOnce);
    const read = await allDone(part.map(titleAt));
    for (const [i, id] of part.entries()) titles.set(id, read[i]!);
  }
  const [token_, health_, timelock_, router_] = made.map(lower);
  return {
    block: { number: block.number, hash: block.hash, time_s: Number(block.timestamp) },
    policy: { accepted_states, required_assurance, needs_presence },
    gate: { token: token_!, health: health_!, timelock: timelock_!, router: router_! },
    custodians: { timelock: knowsTimelock, router: knowsRouter },
    attestors: quorum[0].map(lower),
    threshold: quorum[1],
    loan_status: loanState[0],
    staging: { depositor: lower(staging[0]), expiration_s: Number(staging[5]) },
    titles,
  };
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
