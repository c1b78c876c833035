import { encodeAbiParameters, type Hex } from "viem";
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

/** `abi.encode(HealthLeaf)`: eight words, 256 bytes. */
export function encodeLeaf(leaf: HealthLeaf): Hex {
  return encodeAbiParameters(leafType, [abiLeaf(leaf)]);
}
