import type { SeriesIndex } from "../../protocol/plausibility/matchSeries.js";
import type { Outage } from "./account.js";
import type { DeviceFold } from "./deviceFold.js";
import type { HealthPolicy } from "./policy.js";
import type { FoldBeacon } from "./rememberBeacon.js";

/** The fold's whole memory: what a replay of the log up to `next_idx` leaves. */
export type FleetFold = {
  /** First entry that has not been folded in. */
  next_idx: number;
  origin: string;
  policy: HealthPolicy;
  last_tick_ms: number | null;
  next_device_id: number;
  next_event_id: number;
  /** By device_id, in order of enrolment. */
  devices: Map<string, DeviceFold>;
  /** Weak identity → the live device that first showed it. */
  identities: Map<string, string>;
  outages: Outage[];
  /** The newest beacons, oldest first. */
  beacons: FoldBeacon[];
  /** Who told which window first: the devices' own memories turned round, made when it is first wanted. */
  series: SeriesIndex | null;
};

export function createFleetFold(origin: string, policy: HealthPolicy): FleetFold {
  return {
    next_idx: 0,
    origin,
    policy,
    last_tick_ms: null,
    next_device_id: 1,
    next_event_id: 1,
    devices: new Map(),
    identities: new Map(),
    outages: [],
    beacons: [],
    series: null,
  };
}
