import type { Implausibility, InventoryBody } from "../report/schema.js";
import { clockOfModel } from "./inventory/clockOfModel.js";
import { driverForm } from "./inventory/driverForm.js";
import { driverOfArchitecture } from "./inventory/driverOfArchitecture.js";
import { driverOfOs } from "./inventory/driverOfOs.js";
import { linkOfModel } from "./inventory/linkOfModel.js";
import { memoryOfModel } from "./inventory/memoryOfModel.js";
import { oneModel } from "./inventory/oneModel.js";
import { partOfProject } from "./inventory/partOfProject.js";
import { powerLimitOfModel } from "./inventory/powerLimitOfModel.js";
import type { InventoryRule } from "./inventoryRule.js";
import { modelOf } from "./modelOf.js";

export const inventoryRules: readonly InventoryRule[] = [
  oneModel,
  memoryOfModel,
  linkOfModel,
  clockOfModel,
  powerLimitOfModel,
  partOfProject,
  driverForm,
  driverOfOs,
  driverOfArchitecture,
];

/**
 * What cannot well be true of one GPU in what it says it is. Every value is the host's word, so a finding shows a
 * careless or a changed claim; none shows nothing. A model that is not in the table is not held against figures.
 */
export function judgeInventory(body: InventoryBody): Implausibility[] {
  const seen = { body, model: modelOf(body) };
  const found: Implausibility[] = [];
  for (const { code, judge } of inventoryRules) {
    const evidence = judge(seen);
    if (evidence !== null) found.push({ code, evidence: evidence.slice(0, 200) });
  }
  return found;
}
