/** A beacon as the log tells it. */
export type FoldBeacon = { hash: string; time_ms: number };

/** Enough for hours of blocks at the pace at which a registry hands them out. */
export const beaconsRemembered = 256;

/** Puts a beacon into a short list, in order of (time, hash), that keeps the newest. A replay gives the same list. */
export function rememberBeacon(beacons: FoldBeacon[], { hash, time_ms }: FoldBeacon): void {
  if (beacons.some((one) => one.hash === hash)) return;
  const isAfter = (one: FoldBeacon) => one.time_ms < time_ms || (one.time_ms === time_ms && one.hash < hash);
  beacons.splice(beacons.findLastIndex(isAfter) + 1, 0, { hash, time_ms });
  if (beacons.length > beaconsRemembered) beacons.shift();
}
