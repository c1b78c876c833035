/**
 * A token's collateral health. The number is the one CaliberHealth uses on chain; 0 is "unknown" there and never
 * posted.
 */
export const healthStates = {
  healthy: 1,
  watch: 2,
  impaired: 3,
  breach_proposed: 4,
  stale: 5,
  lost: 6,
  disputed: 7,
  paused: 8,
} as const;

export type HealthState = keyof typeof healthStates;
