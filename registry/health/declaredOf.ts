import type { joinWithInventory } from "../../protocol/evidence/joinWithInventory.js";

/** The part of an inventory that a GPU's signed evidence is held against. */
export type DeclaredGpu = Parameters<typeof joinWithInventory>[1];

export function declaredOf(body: DeclaredGpu): DeclaredGpu {
  return {
    architecture: body.architecture,
    driver_version: body.driver_version,
    vbios_version: body.vbios_version,
    board_part_number: body.board_part_number,
    gpu_part_number: body.gpu_part_number,
    inforom_image_version: body.inforom_image_version,
    pdi: body.pdi,
  };
}
