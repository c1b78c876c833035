import type { BeaconBody } from "../../protocol/down/downMessage.js";
import type { Beacon } from "../../protocol/report/schema.js";
import type { Spool } from "../spool/spool.js";

type KeptBeacon = Pick<BeaconBody, "number" | "hash" | "time_ms">;

export type BeaconShelf = {
  add(beacon: KeptBeacon): void;
  /** The newest beacon that a window ending at `end_ms` can be younger than; null before the first one. */
  for(end_ms: number): Beacon | null;
};

const kept = 16;
/** Blocks are timed by their proposers, hosts by their own clocks. */
const skew_ms = 60_000;

/** The latest beacons that the registry sent. The newest is kept across restarts. */
export function createBeaconShelf(spool: Pick<Spool, "meta" | "setMeta">): BeaconShelf {
  const stored = spool.meta("beacon");
  let beacons: KeptBeacon[] = stored === null ? [] : [JSON.parse(stored) as KeptBeacon];
  return {
    add({ number, hash, time_ms }) {
      beacons = [{ number, hash, time_ms }, ...beacons].sort((a, b) => b.time_ms - a.time_ms).slice(0, kept);
      spool.setMeta("beacon", JSON.stringify(beacons[0]));
    },
    for(end_ms) {
      // A clock that is far behind every beacon shows the oldest: the contradiction is for the registry to see.
      const beacon = beacons.find(({ time_ms }) => time_ms <= end_ms + skew_ms) ?? beacons.at(-1);
      return beacon === undefined ? null : { number: beacon.number, hash: beacon.hash };
    },
  };
}
