/**
 * A token's collateral health. The number is the one CaliberHealth uses on chain; 0 is "unknown" there and never
 * posted. Nor is `retired`, which it has no word for: it is posted as `stale`, with the cause `retired`.
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
  retired: 9,
} as const;

export type HealthState = keyof typeof healthStates;
