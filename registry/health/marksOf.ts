import type { InventoryBody } from "../../protocol/report/schema.js";

/** What an inventory says of the GPU and of the machine around it that a later one is held against. */
export type InventoryMarks = {
  driver: Marks;
  vbios: Marks;
  /** What no software changes: another value is another board, or a lie. */
  part: Marks;
  /** The machine; all null where the agent does not read it. */
  machine: Marks;
};

export type Marks = Record<string, string | number | null>;

/** All of it is the host's word: a change shows, that nothing changed does not. */
export function marksOf(body: InventoryBody): InventoryMarks {
  const { serial, pdi, name, board_part_number, gpu_part_number, fb_total_mib, host } = body;
  return {
    driver: { driver_version: body.driver_version },
    vbios: { vbios_version: body.vbios_version },
    part: { serial, pdi, name, board_part_number, gpu_part_number, fb_total_mib },
    machine: {
      machine_id: host?.machine_id ?? null,
      serial: host?.serial ?? null,
      board_serial: host?.board_serial ?? null,
      chassis_serial: host?.chassis_serial ?? null,
    },
  };
}
