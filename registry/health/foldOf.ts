import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";

/** The device that a key speaks for, or spoke for before it was rotated. */
export function foldOf(fleet: Pick<FleetFold, "devices" | "former">, device: string): DeviceFold | undefined {
  return fleet.devices.get(device) ?? fleet.former.get(device);
}
