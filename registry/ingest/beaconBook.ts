import { CaliberError } from "../../protocol/errors.js";
import type { Beacon } from "../../protocol/report/schema.js";
import type { Db } from "../store/openDatabase.js";

export type KnownBeacon = { number: number; hash: string; time_ms: number };

/** The beacons that this registry has issued. */
export type BeaconBook = {
  latest(): KnownBeacon | null;
  add(beacon: KnownBeacon): void;
  /**
   * Holds a report's window against its beacon: what was signed with a block in hand was signed after it.
   *
   * @throws CaliberError BEACON_UNKNOWN, BEFORE_BEACON
   */
  check(beacon: Beacon | null, window_end_ms: number): void;
};

/** Blocks are timed by their proposers, hosts by their own clocks. */
const skew_ms = 120_000;
/** A host gets the newest beacon as it connects, so one that shows none after this long has thrown it away. */
const grace_ms = 15 * 60_000;
const remembered = 4096;

export function createBeaconBook(db: Db): BeaconBook {
  const recent = new Map<string, KnownBeacon>();
  const load = db.prepare<[string], KnownBeacon>("SELECT number, hash, time_ms FROM beacon WHERE hash = ?");
  const first = db.prepare<[], KnownBeacon>("SELECT * FROM beacon ORDER BY time_ms LIMIT 1").get();
  let latest =
    db.prepare<[], KnownBeacon>("SELECT * FROM beacon ORDER BY time_ms DESC LIMIT 1").get() ?? null;
  let first_ms = first?.time_ms ?? Number.POSITIVE_INFINITY;

  return {
    latest: () => latest,
    add(beacon) {
      recent.set(beacon.hash, beacon);
      if (recent.size > remembered) recent.delete(recent.keys().next().value!);
      first_ms = Math.min(first_ms, beacon.time_ms);
      if (latest === null || beacon.time_ms >= latest.time_ms) latest = beacon;
    },
    check(beacon, window_end_ms) {
      if (beacon === null) {
        if (window_end_ms <= first_ms + grace_ms) return;
        throw new CaliberError("BEACON_UNKNOWN", "the report names no beacon though there are some");
      }
      // By hash: a reorganised chain has two blocks of one number, and both were handed out.
      const known = recent.get(beacon.hash) ?? load.get(beacon.hash);
      if (known === undefined || known.number !== beacon.number) {
        throw new CaliberError("BEACON_UNKNOWN", `block ${beacon.number} is no beacon of this registry`);
      }
      if (window_end_ms + skew_ms < known.time_ms) {
        throw new CaliberError(
          "BEFORE_BEACON",
          "the window ended before the block that the report was signed after",
        );
      }
    },
  };
}
