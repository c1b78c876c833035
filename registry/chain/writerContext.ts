import type { Logger } from "pino";
import type { Address, Hex, LocalAccount, PublicClient } from "viem";
import type { Deployment } from "./deployment.js";
import type { IntentStore } from "./intentStore.js";
import type { PostQuorum } from "./postQuorum.js";
import type { Problems } from "./problems.js";
import type { RegistryView } from "./registryView.js";
import type { WriterSettings } from "./writerSettings.js";

/** What each step of the writer works with. */
export type WriterContext = {
  client: PublicClient;
  account: LocalAccount;
  quorum: PostQuorum;
  deployment: Deployment;
  store: IntentStore;
  view: RegistryView;
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

/**
 * Time since something was written at `at_s` of the chain's clock. The two clocks are never subtracted from each
 * other: a skew would look like time gone by. `seen_ms` (time since we read of it) stands in while the chain's own
 * clock rests, as it does on a chain that mines on demand.
 */
export function elapsed_ms(head: Head, at_s: number, seen_ms: number): number {
  return Math.max(head.time_ms - at_s * 1000, seen_ms);
}
