import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";

/** Until when the device's silicon counts if it does not answer again; null when it does not count, or is not told. */
export function presenceUntil({ policy }: FleetFold, { silicon }: DeviceFold): number | null {
  if (policy.presence_renew_ms === null || silicon === null || silicon.lapsed) return null;
  return silicon.at_ms + policy.silicon_lapse_ms;
}
