import { type Address, getContract, type Hex, type Transport } from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { CaliberError } from "../../protocol/errors.js";
import { type HealthCause, healthCauses } from "../../protocol/health/healthCause.js";
import { type HealthState, healthStates } from "../../protocol/health/healthState.js";
import { chainClient } from "./chainClient.js";
import type { Deployment } from "./deployment.js";
import { revertOf } from "./revertOf.js";

export type HealthOnChain = {
  /** What counts now; `stale` too when nothing was ever posted. */
  state: HealthState;
  cause: HealthCause;
  since_ms: number;
  valid_until_ms: number;
  assured_until_ms: number | null;
  /** 64 hex characters. */
  evidence_hash: string;
};

export type TitleOnChain = {
  owner: Address;
  device: string;
  /** 64 hex characters, null where the hardware has shown none. */
  strong_identity: string | null;
  weak_identity: string;
  evidence: string;
  log_origin: string;
  header_hash: string;
  assurance: number;
  minted_at_ms: number;
  amendments: number;
  predecessor: bigint | null;
};

export type ChainReader = {
  healthOf(token_id: bigint): Promise<HealthOnChain>;
  /** @throws CaliberError TITLE_UNKNOWN when there is no such live token */
  titleOf(token_id: bigint): Promise<TitleOnChain>;
};

const stateNames = namesOf(healthStates);
const causeNames = namesOf(healthCauses);

/** Typed reads of titles and health; viem's errors when the node does not answer. */
export function createChainReader(transport: Transport, deployment: Deployment): ChainReader {
  const client = chainClient(transport);
  const token = getContract({ address: deployment.token, abi: caliberTokenAbi, client });
  const health = getContract({ address: deployment.health, abi: caliberHealthAbi, client });
  return {
    async healthOf(token_id) {
      const [state, cause, since, validUntil, assuredUntil, evidenceHash] = await health.read.healthOf([
        token_id,
      ]);
      return {
        state: nameOf(stateNames, state),
        cause: nameOf(causeNames, cause),
        since_ms: Number(since) * 1000,
        valid_until_ms: Number(validUntil) * 1000,
        assured_until_ms: assuredUntil === 0n ? null : Number(assuredUntil) * 1000,
        evidence_hash: bare(evidenceHash),
      };
    },
    async titleOf(token_id) {
      try {
        const [title, owner] = await Promise.all([
          token.read.titleOf([token_id]),
          token.read.ownerOf([token_id]),
        ]);
        return {
          owner: owner.toLowerCase() as Address,
          device: bare(title.deviceKeyHash),
          strong_identity: /^0x0+$/.test(title.strongIdentity) ? null : bare(title.strongIdentity),
          weak_identity: bare(title.weakIdentity),
          evidence: bare(title.evidence),
          log_origin: bare(title.logOrigin),
          header_hash: bare(title.headerHash),
          assurance: title.assurance,
          minted_at_ms: Number(title.mintedAt) * 1000,
          amendments: Number(title.amendments),
          predecessor: title.predecessor === 0n ? null : title.predecessor,
        };
      } catch (error) {
        if (revertOf(error)?.name !== "ERC721NonexistentToken") throw error;
        throw new CaliberError("TITLE_UNKNOWN", `there is no token ${token_id}`, { cause: error });
      }
    },
  };
}

function namesOf<Name extends string>(numbers: Record<Name, number>): Map<number, Name> {
  return new Map(Object.entries(numbers).map(([name, number]) => [number as number, name as Name]));
}

/** @throws CaliberError CHAIN_VALUE_UNKNOWN when a newer attestor has posted a number that this version lacks */
function nameOf<Name extends string>(names: Map<number, Name>, number: number): Name {
  const name = names.get(number);
  if (name === undefined) {
    throw new CaliberError("CHAIN_VALUE_UNKNOWN", `no name for ${number} in this version`);
  }
  return name;
}

function bare(hex: Hex): string {
  return hex.slice(2);
}
