import type { SourceClock } from "../sources/telemetrySource.js";

/** Wall time and the monotonic clock, which on Linux stands still while the machine is suspended. Integers, ms. */
export const systemClock: SourceClock = {
  now_ms: Date.now,
  mono_ms: () => Math.floor(Number(process.hrtime.bigint() / 1_000_000n)),
};
