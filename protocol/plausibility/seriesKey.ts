import type { TelemetryBody } from "../report/schema.js";

/** Spread of power within the window below which it is too quiet to tell two GPUs apart. */
const minSpread_mw = 5000;
const minSamples = 8;

const quantities = [
  "util_permille",
  "sm_activity_permille",
  "mem_util_permille",
  "fb_used_mib",
  "power_mw",
  "temp_mc",
  "sm_clock_mhz",
] as const satisfies readonly (keyof TelemetryBody)[];

/**
 * One number (53 bits) for the statistics of a window, so that the same again elsewhere shows. Null when the window is
 * too quiet to be told from another GPU's: idle GPUs do give equal windows. A busy one whose power moves by watts, in
 * steps of a milliwatt or ten, gives the same smallest, mean and largest by chance about once in 2^30 windows.
 *
 * No secret: whoever knows a window's values can make its key, and has then copied them.
 */
export function seriesKey(body: TelemetryBody): number | null {
  const { power_mw } = body;
  if (power_mw === null || body.samples < minSamples || power_mw.max - power_mw.min < minSpread_mw)
    return null;
  let low = 0x9e3779b1;
  let high = 0x7f4a7c15;
  for (const name of quantities) {
    const stat = body[name];
    // Values can be beyond 32 bits: both halves count.
    for (const value of stat === null ? [-1, -1, -1] : [stat.min, stat.mean, stat.max]) {
      low = mix(low ^ (value | 0));
      high = mix(high ^ low ^ Math.floor(value / 2 ** 32));
    }
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** A 32-bit permutation (Murmur3's finalizer). */
function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
