import type { HealthLeaf } from "./intent.js";

/** A leaf as viem takes it for CaliberHealth's tuple. */
export function abiLeaf(leaf: HealthLeaf) {
  return {
    tokenId: BigInt(leaf.token_id),
    sequence: BigInt(leaf.sequence),
    state: leaf.state,
    cause: leaf.cause,
    since: BigInt(leaf.since_s),
    validUntil: BigInt(leaf.valid_until_s),
    assuredUntil: BigInt(leaf.assured_until_s),
    evidenceHash: leaf.evidence_hash,
  };
}
