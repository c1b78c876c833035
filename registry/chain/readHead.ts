import type { PublicClient } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import type { Head } from "./writerContext.js";

/** The chain's latest block. Throws CaliberError CHAIN_UNSUPPORTED for a chain without EIP-1559. */
export async function readHead(client: PublicClient): Promise<Head> {
  return headOf(await client.getBlock({ blockTag: "latest" }));
}

export async function readBlock(client: PublicClient, number: number): Promise<Head> {
  return headOf(await client.getBlock({ blockNumber: BigInt(number) }));
}

type MinedBlock = Awaited<ReturnType<PublicClient["getBlock"]>>;

function headOf(block: MinedBlock): Head {
  // "latest" is never the pending block, the only one without number and hash.
  if (block.number === null || block.hash === null || block.baseFeePerGas === null) {
    throw new CaliberError("CHAIN_UNSUPPORTED", "the node's blocks carry no hash or no base fee (EIP-1559)");
  }
  return {
    number: Number(block.number),
    hash: block.hash,
    parent_hash: block.parentHash,
    time_ms: Number(block.timestamp) * 1000,
    base_fee_wei: block.baseFeePerGas,
  };
}
