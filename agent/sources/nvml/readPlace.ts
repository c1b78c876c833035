import type { InventoryBody } from "../../../protocol/report/schema.js";
import { placeOf } from "../nvidiaSmi/placeOf.js";
import type { Probe } from "./createProbe.js";
import { within } from "./within.js";

type Place = Pick<InventoryBody, "chassis_serial" | "chassis_slot" | "tray_index" | "module_id">;

/**
 * Where the GPU sits: nvmlPlatformInfo_v2_t (Blackwell on), whose first version has the same layout with the rack's name
 * in the serial's place. The module is a function of its own on older boards.
 */
export function readPlace(probe: Probe, device: bigint): Place {
  const told =
    probe.struct("nvmlDeviceGetPlatformInfo", device, 44, 2) ||
    probe.struct("nvmlDeviceGetPlatformInfo", device, 44, 1);
  // A byte with all bits set is what a board without that position holds.
  const byte = (offset: number) => {
    const value = probe.view.getUint8(offset);
    return value === 0xff ? undefined : String(value);
  };
  const place = told
    ? placeOf({ chassis: chassisAt(probe), slot: byte(36), tray: byte(37) })
    : { chassis_serial: null, chassis_slot: null, tray_index: null };
  const module = told ? byte(40) : undefined;
  const module_id = within(probe.number("nvmlDeviceGetModuleId", device), 0, 1024);
  return { ...place, module_id: module_id ?? (module === undefined ? null : Number(module)) };
}

/** 16 bytes, of which 13 are printed characters on Blackwell; a full 16 have no NUL at their end. */
function chassisAt(probe: Probe): string | undefined {
  const bytes = probe.out.subarray(20, 36);
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
}
