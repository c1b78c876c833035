import type { Address, Hex } from "viem";
import type { LoanState } from "../credit/schedule/loanState.js";

export type ChainBlock = { number: number; hash: Hex; time_s: number };

export type ChainLog = {
  /** Lower case. */
  address: Address;
  topics: Hex[];
  data: Hex;
  block_number: number;
  block_hash: Hex;
  log_index: number;
  tx_hash: Hex;
};

/** What the indexer asks of a node. Every call may reject when the node is away; none remembers anything. */
export type LoanChain = {
  chainId(): Promise<number>;
  head(): Promise<ChainBlock>;
  /** Null when the node has no such block. */
  block(number: number): Promise<ChainBlock | null>;
  /** All logs of the router and the timelock in these blocks, both ends included. */
  logs(from: number, to: number): Promise<ChainLog[]>;
  /** Null when the node has no such transaction. */
  calldata(tx_hash: Hex): Promise<Hex | null>;
  /** As of exactly this block; rejects when it is no longer part of the chain. */
  loanState(loan: Hex, block_hash: Hex): Promise<LoanState>;
  /** Null when the address, which strangers chose, does not say. */
  decimals(currency: Address): Promise<number | null>;
};
