import type { DeviceFold } from "./deviceFold.js";

/** Material of the inventory that a transaction named; none that is known differs from any, and is amended. */
export function materialNamed(fold: Pick<DeviceFold, "inventory" | "former">, statement: string): string {
  if (fold.inventory?.statement === statement) return fold.inventory.material;
  return fold.former?.statement === statement ? fold.former.material : "";
}
