import type { InventoryRule } from "../inventoryRule.js";

/** The highest clock is the VBIOS's: a setting can lower what is used, not raise what can be. */
export const clockOfModel: InventoryRule = {
  code: "CLOCK_NOT_OF_MODEL",
  judge({ body: { sm_clock_max_mhz }, model }) {
    if (model === null || sm_clock_max_mhz === null) return null;
    if (sm_clock_max_mhz <= model.sm_clock_max_mhz * 1.02) return null;
    return `${model.name} has an SM clock of at most ${model.sm_clock_max_mhz} MHz, this one says ${sm_clock_max_mhz} MHz`;
  },
};
