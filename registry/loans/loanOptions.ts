import type { Address } from "viem";

/** Which loans a registry follows. */
export type LoanOptions = {
  /** USD.AI's LoanRouterV2 and CollateralTimelock; lower case. */
  router: Address;
  timelock: Address;
  /** The first block that can hold a log of either. */
  start_block: number;
  /** How often the chain's end is read. */
  poll_ms: number;
};
