import type { InventoryBody } from "../report/schema.js";
import type { GpuModel } from "./gpuModels.js";
import type { PlausibilityCode } from "./plausibilityCodes.js";

/** What an inventory rule looks at: what the GPU says it is, and what is known of the model that it claims to be. */
export type SeenInventory = { body: InventoryBody; model: GpuModel | null };

export type InventoryRule = {
  code: PlausibilityCode;
  /** The contradiction in words, with units, at most 200 characters; null when there is none. */
  judge(seen: SeenInventory): string | null;
};
