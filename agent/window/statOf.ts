/**
 * Smallest, time-weighted mean and largest of a reading; null when no sample has it. Samples without the reading
 * count neither as 0 nor in the weight. The mean is rounded to the nearest integer, halves up (towards +∞); when the
 * samples that have the reading stand for no time at all, each weighs the same.
 */
export function statOf(
  values: readonly (number | null)[],
  weights_ms: readonly number[],
): { min: number; mean: number; max: number } | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  // Exact: a value near 2^53 times a weight is beyond a double.
  let sum = 0n;
  let weight = 0n;
  let plain = 0n;
  let count = 0n;
  values.forEach((value, index) => {
    if (value === null) return;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += BigInt(value) * BigInt(weights_ms[index]!);
    weight += BigInt(weights_ms[index]!);
    plain += BigInt(value);
    count += 1n;
  });
  if (count === 0n) return null;
  return { min, mean: weight > 0n ? roundedQuotient(sum, weight) : roundedQuotient(plain, count), max };
}

/** Nearest integer to a/b (b > 0), halves up. */
function roundedQuotient(a: bigint, b: bigint): number {
  const twice = 2n * a + b;
  const divisor = 2n * b;
  const floor = twice / divisor - (twice % divisor < 0n ? 1n : 0n);
  return Number(floor);
}
