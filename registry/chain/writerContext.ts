import type { Logger } from "pino";
import type { Address, Hex, LocalAccount, PublicClient } from "viem";
import type { ChainBody } from "../../protocol/log/entryBodies.js";
import type { Deployment } from "./deployment.js";
import type { IntentStore } from "./intentStore.js";
import type { Problems } from "./problems.js";
import type { RegistryView } from "./registryView.js";
import type { WriterSettings } from "./writerSettings.js";

/**
 * A title that was recorded as minted is not on chain any more, since the chain lost blocks (a development chain
 * restarted older or empty). The device has no token again and is a candidate again.
 */
export type UnmintedBody = {
  type: "unminted";
  device: string;
  chain_id: number;
  contract: string;
  token_id: string;
  /** The chain's head that shows it. */
  block: number;
};

export type WriterView = Omit<RegistryView, "record"> & { record(body: ChainBody | UnmintedBody): void };

/** What each step of the writer works with. */
export type WriterContext = {
  client: PublicClient;
  account: LocalAccount;
  deployment: Deployment;
  store: IntentStore;
  view: WriterView;
  settings: WriterSettings;
  problems: Problems;
  log: Logger;
  now_ms: () => number;
  /** In [0, 1): jitter. */
  random: () => number;
};

export type Head = {
  number: number;
  hash: Hex;
  parent_hash: Hex;
  time_ms: number;
  base_fee_wei: bigint;
};

/** What the account can do at the head. */
export type AccountState = { address: Address; nonce: number; balance_wei: bigint };

/**
 * The time by which the writer plans, in Unix seconds. A chain that mines on demand has an old head, and the next
 * block will carry wall time.
 */
export function chainNow_s(head: Head, now_ms: number): number {
  return Math.floor(Math.max(head.time_ms, now_ms) / 1000);
}
