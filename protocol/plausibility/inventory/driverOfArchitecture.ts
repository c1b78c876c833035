import { driverBranchOf } from "../driverBranchOf.js";
import type { InventoryRule } from "../inventoryRule.js";

/**
 * First and last driver branch of an architecture: NVIDIA's data-center matrix gives the first CUDA toolkit for each,
 * and the last branch of those that ended; each toolkit came with a branch (10.0: 410, 11.0: 450, 12.8: 570). CUDA 11.8
 * came with 520, but H100 and L40 were first supported from within 515.
 */
const branches: Readonly<Record<string, { first: number; last: number | null }>> = {
  Volta: { first: 384, last: 580 },
  Turing: { first: 410, last: null },
  Ampere: { first: 450, last: null },
  "Ada Lovelace": { first: 515, last: null },
  Hopper: { first: 515, last: null },
  Blackwell: { first: 570, last: null },
};

export const driverOfArchitecture: InventoryRule = {
  code: "DRIVER_NOT_OF_ARCHITECTURE",
  judge({ body, model }) {
    const branch = driverBranchOf(body.driver_version);
    const architecture = model?.architecture ?? body.architecture ?? "";
    // The host names it: no word of its may reach the prototype.
    const known = Object.hasOwn(branches, architecture) ? branches[architecture] : undefined;
    if (branch === null || known === undefined) return null;
    if (branch < known.first) {
      return `${architecture} needs driver ${known.first} or later, the host says ${body.driver_version}`;
    }
    if (known.last !== null && branch > known.last) {
      return `drivers after ${known.last} have no ${architecture} any more, the host says ${body.driver_version}`;
    }
    return null;
  },
};
