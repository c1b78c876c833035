/** Wait before attempt `attempt` (from 0): doubles from 1 s up to 30 s, half of it by chance (`random` gives [0, 1)). */
export function backoff(attempt: number, random: () => number): number {
  const whole = Math.min(30_000, 1000 * 2 ** Math.min(attempt, 10));
  return Math.round(whole / 2 + (whole / 2) * random());
}
