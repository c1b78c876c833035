import type { Hex } from "viem";

export type WriterSettings = {
  poll_interval_ms: number;
  /** Blocks on top of a transaction's block before it counts; also how far behind the head beacons are taken. */
  confirmations: number;
  beacon_interval_ms: number;
  anchor_interval_ms: number;
  /** Health is posted at least every half epoch and lapses after three without a post. */
  epoch_ms: number;
  /** How long a posted state counts for its token; the fleet's lapse may end it earlier. */
  token_valid_ms: number;
  max_transitions_per_post: number;
  /** Hash of the title's off-chain header document. */
  header_hash: Hex;
  consent_ttl_ms: number;
  /** First pause before a device is asked again; doubles up to the maximum. */
  consent_retry_ms: number;
  consent_retry_max_ms: number;
  /** Pause before work that the chain refused is planned again. */
  failure_retry_ms: number;
  max_fee_cap_wei: bigint;
  /** A transaction not mined after this is replaced by one that pays more. */
  stuck_ms: number;
  /** Transactions under way at once; nodes keep few queued ones an account. */
  max_in_flight: number;
  /** How often several endpoints are held against each other while they agree. */
  endpoint_check_ms: number;
  /** Longest pause between attempts while the node does not answer. */
  rpc_retry_max_ms: number;
};

export const defaultWriterSettings: WriterSettings = {
  poll_interval_ms: 1_000,
  confirmations: 0,
  beacon_interval_ms: 10_000,
  anchor_interval_ms: 60_000,
  epoch_ms: 3_600_000,
  token_valid_ms: 26 * 3_600_000,
  max_transitions_per_post: 100,
  header_hash: `0x${"00".repeat(32)}`,
  consent_ttl_ms: 3_600_000,
  consent_retry_ms: 5_000,
  consent_retry_max_ms: 300_000,
  failure_retry_ms: 30_000,
  max_fee_cap_wei: 100_000_000_000n,
  stuck_ms: 60_000,
  max_in_flight: 32,
  endpoint_check_ms: 10_000,
  rpc_retry_max_ms: 15_000,
};
