import { nvidiaDeviceRoot } from "../../protocol/evidence/nvidiaDeviceRoot.js";
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
  /** By the device_id in force, in order of enrolment. */
  devices: Map<string, DeviceFold>;
  /** By the device_ids that were in force before. */
  former: Map<string, DeviceFold>;
  /** Weak identity → the live device that first showed it. */
  identities: Map<string, string>;
  /** Strong identity → the live device that first showed it. */
  silicon: Map<string, string>;
  /** SHA-256 of the root that GPU evidence must end in. */
  evidence_root: string;
  outages: Outage[];
  /** The newest beacons, oldest first. */
  beacons: FoldBeacon[];
  /** Who told which window first: the devices' own memories turned round, made when it is first wanted. */
  series: SeriesIndex | null;
};

/** @param evidence_root another root than NVIDIA's is for tests, whose devices are nobody's. */
export function createFleetFold(
  origin: string,
  policy: HealthPolicy,
  evidence_root = nvidiaDeviceRoot,
): FleetFold {
  return {
    next_idx: 0,
    origin,
    policy,
    last_tick_ms: null,
    next_device_id: 1,
    next_event_id: 1,
    devices: new Map(),
    former: new Map(),
    identities: new Map(),
    silicon: new Map(),
    evidence_root,
    outages: [],
    beacons: [],
    series: null,
  };
}
