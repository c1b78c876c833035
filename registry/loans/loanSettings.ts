import type { Address } from "viem";

export type LoanSettings = {
  chain_id: number;
  /** LoanRouterV2, CollateralTimelock and the title contract; lower case. */
  router: Address;
  timelock: Address;
  collateral: Address;
  /** The first block that can hold a log of router or timelock. */
  start_block: number;
  /** How many blocks must lie on top of one before it is confirmed; reorganisations up to here are followed at once. */
  depth_blocks: number;
  /** Most blocks asked for at once; halved when the node refuses, doubled again as it answers. */
  range_blocks: number;
};

export const defaultDepth_blocks = 64;
export const defaultRange_blocks = 10_000;

/** USD.AI on Arbitrum One (deployments/arbitrum.json of the published contracts, July 2026). */
export const arbitrumRouter = {
  chain_id: 42_161,
  router: "0x1c2ed170de32846316784c4fd58a5e3c7563e12f",
  timelock: "0x1c710cc0f5562752e88f5a5cc36fa72e73dbea45",
} as const satisfies Partial<LoanSettings>;
