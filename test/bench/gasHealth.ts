import { createHash } from "node:crypto";
import {
  type Address,
  concatHex,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  keccak256,
  toHex,
} from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberHealthBytecode } from "../../contracts-abi/bytecode/CaliberHealth.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { nodeHash } from "../../protocol/merkle/nodeHash.js";
import { abiLeaf } from "../../registry/chain/abiLeaf.js";
import { encodeLeaf } from "../../registry/chain/encodeLeaf.js";
import { epochPostTypes } from "../../registry/chain/epochPost.js";
import type { HealthLeaf } from "../../registry/chain/intent.js";
import { attestors, type GasChain } from "./gasChain.js";

/** Items of one transaction; more wait for the next chunk. Both stay far below what EIP-7825 lets a transaction have. */
const most = { leaves: 250, words: 500 };

/** Random words, as hashes are: calldata costs by the byte. */
export const hashOf = (text: string): Hex => `0x${createHash("sha256").update(text).digest("hex")}`;

export type GasHealth = Awaited<ReturnType<typeof deployGasHealth>>;

/** CaliberHealth under two of three attestors, and its posts as a relay sends them. */
export async function deployGasHealth(chain: GasChain) {
  const accounts = [...attestors].sort((a, b) =>
    a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1,
  );
  const address = await chain.deploy({
    abi: caliberHealthAbi,
    bytecode: caliberHealthBytecode,
    args: [0, accounts[0]!.address, 3600, accounts.map((account) => account.address), 2],
  });
  const start_s = await chain.now_s();
  let epoch = 0;

  function leaf(token_id: number, sequence: number): HealthLeaf {
    return {
      token_id: String(token_id),
      sequence,
      state: 1 + (sequence % 2),
      cause: 7,
      since_s: start_s - 60,
      valid_until_s: start_s + 90_000,
      assured_until_s: start_s + 86_400,
      evidence_hash: hashOf(`${token_id} ${sequence}`),
    };
  }

  /** Posts an epoch, in as many transactions as it takes. @returns the gas of each */
  async function post(leaves: HealthLeaf[], words: bigint[], root: Hex = hashOf(`root ${epoch}`), size = 1n) {
    epoch += 1;
    const parts = [
      ...slices(leaves, most.leaves).map((part) => ({ leaves: part, words: [] as bigint[] })),
      ...slices(words, most.words).map((part) => ({ leaves: [] as HealthLeaf[], words: part })),
    ];
    if (parts.length === 2 && leaves.length <= most.leaves && words.length <= 50)
      parts.splice(0, 2, { leaves, words });
    if (parts.length === 0) parts.push({ leaves: [], words: [] });
    const message = {
      epoch,
      fleetRoot: root,
      fleetSize: size,
      fleetUntil: BigInt(start_s + 10_800),
      livenessUntil: words.length === 0 ? 0n : BigInt(start_s + 90_000),
      chunks: parts.map(chunkHash),
    };
    const signatures = await Promise.all(
      accounts.slice(0, 2).map(async (account) => ({
        attestor: account.address,
        signature: await account.signTypedData({
          domain: { name: "CaliberHealth", version: "1", chainId: 31337, verifyingContract: address },
          types: epochPostTypes,
          primaryType: "EpochPost",
          message,
        }),
      })),
    );
    const gas: number[] = [];
    for (const [i, part] of parts.entries()) {
      const items = [message, part.leaves.map(abiLeaf), part.words] as const;
      const data =
        i === 0
          ? encodeFunctionData({ abi: caliberHealthAbi, functionName: "post", args: [...items, signatures] })
          : encodeFunctionData({ abi: caliberHealthAbi, functionName: "postChunk", args: items });
      gas.push(Number((await chain.send(address, data)).gasUsed));
    }
    return gas;
  }

  /** Posts a fleet of 2^depth tokens with the leaf in it, and proves the leaf. @returns the proof's gas */
  async function prove(proven: HealthLeaf, depth: number): Promise<number> {
    const { index, proof, root } = pathOver(leafHash(Buffer.from(encodeLeaf(proven).slice(2), "hex")), depth);
    await post([], [], root, 1n << BigInt(depth));
    const data = encodeFunctionData({
      abi: caliberHealthAbi,
      functionName: "prove",
      args: [abiLeaf(proven), index, proof],
    });
    return Number((await chain.send(address, data)).gasUsed);
  }

  return { address: address as Address, leaf, post, prove };
}

/** A path of `depth` nodes over a leaf that is neither first nor last. */
export function pathOver(leaf: Buffer, depth: number): { index: bigint; proof: Hex[]; root: Hex } {
  const index = 0xaaaaaaaaaan >> BigInt(40 - depth);
  let node = leaf;
  const proof: Hex[] = [];
  for (let level = 0; level < depth; level += 1) {
    const sibling = Buffer.from(hashOf(`node ${level}`).slice(2), "hex");
    proof.push(toHex(sibling));
    node = (index >> BigInt(level)) & 1n ? nodeHash(sibling, node) : nodeHash(node, sibling);
  }
  return { index, proof, root: toHex(node) };
}

function chunkHash({ leaves, words }: { leaves: HealthLeaf[]; words: bigint[] }): Hex {
  const hashes = [
    keccak256(concatHex(leaves.map(encodeLeaf))),
    keccak256(concatHex(words.map((word) => toHex(word, { size: 32 })))),
  ] as const;
  return keccak256(encodeAbiParameters([{ type: "bytes32" }, { type: "bytes32" }], hashes));
}

function slices<T>(items: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
