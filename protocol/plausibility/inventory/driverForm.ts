import { driverBranchOf } from "../driverBranchOf.js";
import type { InventoryRule } from "../inventoryRule.js";

export const driverForm: InventoryRule = {
  code: "DRIVER_MALFORMED",
  judge({ body: { driver_version } }) {
    if (driver_version === null || driverBranchOf(driver_version) !== null) return null;
    return `no NVIDIA driver has the version ${driver_version}`;
  },
};
