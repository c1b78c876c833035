import type { DeviceFold } from "./deviceFold.js";

type Known = Pick<DeviceFold, "inventory" | "former" | "title_replacement">;

/** Material of the inventory that a transaction named; none that is known differs from any, and is amended. */
export function materialNamed({ inventory, former, title_replacement }: Known, statement: string): string {
  if (inventory?.statement === statement) return inventory.material;
  if (former?.statement === statement) return former.material;
  // A person consents days after the device has signed, and inventories come every hour.
  if (title_replacement?.replacement.evidence === `0x${statement}`) return title_replacement.material;
  return "";
}
