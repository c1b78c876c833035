import type { InventoryBody } from "../../../protocol/report/schema.js";
import { scaledOf, textOf } from "./values.js";

/**
 * Where the GPU sits, from the platform's values as printed. A machine without a chassis controller prints an empty
 * serial and zeros (R590) or N/A (R580) for slot and tray: a zero in a chassis that nobody names is no position.
 */
export function placeOf(printed: {
  chassis: string | undefined;
  slot: string | undefined;
  tray: string | undefined;
}): Pick<InventoryBody, "chassis_serial" | "chassis_slot" | "tray_index"> {
  const chassis_serial = textOf(printed.chassis, 64);
  const least = chassis_serial === null ? 1 : 0;
  return {
    chassis_serial,
    chassis_slot: scaledOf(printed.slot, 1, least, 65_535),
    tray_index: scaledOf(printed.tray, 1, least, 65_535),
  };
}
