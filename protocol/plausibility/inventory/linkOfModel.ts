import type { InventoryRule } from "../inventoryRule.js";

/** A slot can hold a link below what the GPU can do, never lift it above. */
export const linkOfModel: InventoryRule = {
  code: "LINK_NOT_OF_MODEL",
  judge({ body: { pcie_gen_max, pcie_width_max }, model }) {
    if (model === null) return null;
    if ((pcie_gen_max ?? 0) <= model.pcie_gen_max && (pcie_width_max ?? 0) <= model.pcie_width_max)
      return null;
    return `${model.name} has PCIe gen ${model.pcie_gen_max} x${model.pcie_width_max}, this one says gen ${pcie_gen_max ?? "?"} x${pcie_width_max ?? "?"}`;
  },
};
