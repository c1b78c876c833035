import { type Hex, hexToBytes } from "viem";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";
import { encodeLeaf } from "./encodeLeaf.js";
import type { HealthLeaf } from "./intent.js";

/** SHA-256(0x00 ‖ abi.encode(leaf)), as CaliberHealth hashes it. */
export function fleetLeafHash(leaf: HealthLeaf): Buffer {
  return leafHash(hexToBytes(encodeLeaf(leaf)));
}

/** RFC 6962 root over the leaves, which must be in token order. */
export function fleetRoot(leaves: readonly HealthLeaf[]): Hex {
  return `0x${rootOf(leaves.map(fleetLeafHash)).toString("hex")}`;
}
