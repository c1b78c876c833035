import type { InventoryRule } from "../inventoryRule.js";
import { words } from "../words.js";

/** Makers of servers ship some models with a limit above the usual one; nobody by more than a quarter. */
export const powerLimitOfModel: InventoryRule = {
  code: "POWER_LIMIT_NOT_OF_MODEL",
  judge({ body: { power_limit_mw }, model }) {
    if (model === null || power_limit_mw === null) return null;
    if (power_limit_mw <= model.power_limit_max_mw * 1.25) return null;
    return `${model.name} has a power limit of ${words.watts(model.power_limit_max_mw)}, this one says ${words.watts(power_limit_mw)}`;
  },
};
