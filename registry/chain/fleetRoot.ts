import { encodeAbiParameters, type Hex, hexToBytes } from "viem";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";
import { abiLeaf } from "./abiLeaf.js";
import type { HealthLeaf } from "./intent.js";

const leafType = [
  {
    type: "tuple",
    components: [
      { name: "tokenId", type: "uint64" },
      { name: "sequence", type: "uint64" },
      { name: "state", type: "uint8" },
      { name: "cause", type: "uint16" },
      { name: "since", type: "uint64" },
      { name: "validUntil", type: "uint64" },
      { name: "assuredUntil", type: "uint64" },
      { name: "evidenceHash", type: "bytes32" },
    ],
  },
] as const;

/** SHA-256(0x00 ‖ abi.encode(leaf)): 256 bytes, as CaliberHealth hashes it. */
export function fleetLeafHash(leaf: HealthLeaf): Buffer {
  return leafHash(hexToBytes(encodeAbiParameters(leafType, [abiLeaf(leaf)])));
}

/** RFC 6962 root over the leaves, which must be in token order. */
export function fleetRoot(leaves: readonly HealthLeaf[]): Hex {
  return `0x${rootOf(leaves.map(fleetLeafHash)).toString("hex")}`;
}
