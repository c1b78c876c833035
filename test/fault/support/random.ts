export type Random = {
  /** A whole number from `low` up to, and without, `high`. */
  int(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
};

/** Numbers that a seed brings again (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low));
  return { int, pick: (from) => from[int(0, from.length)]! };
}
