import type { InventoryBody } from "../../protocol/report/schema.js";

/**
 * The facts of an inventory that a title relies on, as one line of text. Slot, driver and limits may change with no
 * change of hardware; these may not.
 */
export function materialOf(body: InventoryBody): string {
  return JSON.stringify([
    body.uuid,
    body.serial,
    body.pdi,
    body.name,
    body.board_part_number,
    body.gpu_part_number,
    body.vbios_version,
    body.fb_total_mib,
  ]);
}
