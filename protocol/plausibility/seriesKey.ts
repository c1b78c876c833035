import type { TelemetryBody } from "../report/schema.js";

/** Spread of power within the window below which it is too quiet to tell two GPUs apart. */
const minSpread_mw = 5000;
const minSamples = 8;

type Stat = { min: number; mean: number; max: number } | null;

/**
 * One number (31 bits) for the statistics of a window, so that the same again elsewhere shows. Null when the window is
 * too quiet to be told from another GPU's: idle GPUs do give equal windows. A busy one whose power moves by watts, in
 * steps of a milliwatt or ten, hardly ever has another's smallest, mean and largest; among millions of windows one key in
 * hundreds is another's by chance, and three in a row of one device practically none.
 *
 * No secret: whoever wants a window of a certain key can make one, and has then accused itself.
 */
export function seriesKey(body: TelemetryBody): number | null {
  const { power_mw } = body;
  if (power_mw === null || body.samples < minSamples || power_mw.max - power_mw.min < minSpread_mw)
    return null;
  let key = add(0x9e3779b1, power_mw);
  key = add(key, body.util_permille);
  key = add(key, body.sm_activity_permille);
  key = add(key, body.mem_util_permille);
  key = add(key, body.fb_used_mib);
  key = add(key, body.temp_mc);
  return add(key, body.sm_clock_mhz) >>> 1;
}

const add = (key: number, stat: Stat): number =>
  stat === null ? mix(key ^ 0x5bd1e995) : mix(mix(mix(key ^ stat.min) ^ stat.mean) ^ stat.max);

/** A 32-bit permutation (Murmur3's finalizer). */
function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
