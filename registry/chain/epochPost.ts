import { concatHex, encodeAbiParameters, type Hex, keccak256 } from "viem";
import type { Deployment } from "./deployment.js";
import { encodeLeaf } from "./encodeLeaf.js";
import type { PostPayload } from "./intent.js";

/** EIP-712 types of what attestors sign for an epoch (CaliberHealth). */
export const epochPostTypes = {
  EpochPost: [
    { name: "epoch", type: "uint32" },
    { name: "fleetRoot", type: "bytes32" },
    { name: "fleetSize", type: "uint64" },
    { name: "fleetUntil", type: "uint64" },
    { name: "livenessUntil", type: "uint64" },
    { name: "chunks", type: "bytes32[]" },
  ],
} as const;

/** An epoch of one chunk, as viem takes it for CaliberHealth's tuple and for EIP-712. */
export function epochPost(post: PostPayload) {
  return {
    epoch: post.epoch,
    fleetRoot: post.fleet_root,
    fleetSize: BigInt(post.fleet_size),
    fleetUntil: BigInt(post.fleet_until_s),
    livenessUntil: BigInt(post.liveness?.until_s ?? 0),
    chunks: [chunkHash(post.transitions.map(encodeLeaf), post.liveness?.words ?? [])],
  };
}

/** What attestors sign for an epoch, in CaliberHealth's domain (EIP-712). */
export function epochPostTypedData({ chain_id, health }: Deployment, post: PostPayload) {
  return {
    domain: { name: "CaliberHealth", version: "1", chainId: chain_id, verifyingContract: health },
    types: epochPostTypes,
    primaryType: "EpochPost",
    message: epochPost(post),
  } as const;
}

/** keccak256(abi.encode(keccak256(leaves), keccak256(liveness words))). */
function chunkHash(leaves: Hex[], words: Hex[]): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "bytes32" }, { type: "bytes32" }],
      [keccak256(concatHex(leaves)), keccak256(concatHex(words))],
    ),
  );
}
