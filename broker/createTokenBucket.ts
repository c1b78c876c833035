export type TokenBucket = {
  /** Takes `count` now, going into debt if need be. @returns how long to wait before taking again, in ms. */
  take(count: number, now_ms: number): number;
};

/** Lets `per_s` through in the long run and `burst` at once. */
export function createTokenBucket(per_s: number, burst: number, start_ms: number): TokenBucket {
  let tokens = burst;
  let last_ms = start_ms;
  return {
    take(count, now_ms) {
      // A clock that is set back gives nothing and takes nothing.
      tokens = Math.min(burst, tokens + (Math.max(0, now_ms - last_ms) * per_s) / 1000);
      last_ms = now_ms;
      tokens -= count;
      return tokens >= 0 ? 0 : Math.ceil((-tokens * 1000) / per_s);
    },
  };
}
