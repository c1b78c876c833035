const first_ms = 1000;
const longest_ms = 30_000;

/**
 * Pause before attempt `attempt` (from 0): doubled each time up to 30 s, of which a random half is taken off, so that a
 * fleet that lost its broker does not come back at one instant.
 *
 * @param spread in [0, 1)
 */
export function backoff(attempt: number, spread: number): number {
  const whole = Math.min(longest_ms, first_ms * 2 ** Math.min(attempt, 16));
  return Math.round(whole * (1 - spread / 2));
}
