import type { InventoryRule } from "../inventoryRule.js";

/** Both name the board's project: `692-2G520-0200-000` and `G520.0200.00.05`. What follows it need not agree. */
export const partOfProject: InventoryRule = {
  code: "PART_NOT_OF_PROJECT",
  judge({ body: { board_part_number, inforom_image_version } }) {
    const part = /^\d{3}-\d(G\d{3})-/.exec(board_part_number ?? "")?.[1];
    const project = /^(G\d{3})\.\d{4}\./.exec(inforom_image_version ?? "")?.[1];
    if (part === undefined || project === undefined || part === project) return null;
    return `the board part number ${board_part_number} is of project ${part}, the infoROM ${inforom_image_version} of ${project}`;
  },
};
