import { driverBranchOf } from "../driverBranchOf.js";
import type { InventoryRule } from "../inventoryRule.js";

/** From this branch on, those for Linux end in 0 or 5; Windows counts on within a branch: 576.88, 591.86. */
const firstRoundBranch = 430;

/** A made-up host prints what a search finds, which is often the driver for games. */
export const driverOfOs: InventoryRule = {
  code: "DRIVER_NOT_OF_OS",
  judge({ body: { driver_version, host } }) {
    const branch = driverBranchOf(driver_version);
    if (branch === null || host === null) return null;
    const { os, kernel } = host;
    // Linux inside Windows has the driver of the Windows around it.
    const isLinux = (os !== null || kernel !== null) && !/windows|microsoft/i.test(`${os} ${kernel}`);
    if (!isLinux || branch < firstRoundBranch || branch % 5 === 0) return null;
    return `driver ${driver_version} is of a branch that exists for Windows alone, the host runs ${os ?? kernel}`;
  },
};
