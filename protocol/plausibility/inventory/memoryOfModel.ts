import type { InventoryRule } from "../inventoryRule.js";

/** Drivers of different age keep back up to 2 %; a card with GDDR has 1/15 more when its ECC is off. */
const least = 0.97;
const most = 1.07;

export const memoryOfModel: InventoryRule = {
  code: "MEMORY_NOT_OF_MODEL",
  judge({ body: { fb_total_mib }, model }) {
    if (model === null || fb_total_mib === null) return null;
    if (fb_total_mib >= model.fb_total_mib * least && fb_total_mib <= model.fb_total_mib * most) return null;
    return `${model.name} has ${model.fb_total_mib} MiB of memory, this one says ${fb_total_mib} MiB`;
  },
};
