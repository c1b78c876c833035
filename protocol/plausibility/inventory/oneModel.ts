import type { InventoryRule } from "../inventoryRule.js";
import { modelOfId, modelOfName } from "../modelOf.js";
import { pciIdOf } from "../pciIdOf.js";

/** Name, PCI device id, GPU part number and architecture are four ways to say one thing. */
export const oneModel: InventoryRule = {
  code: "MODEL_CONTRADICTION",
  judge({ body, model }) {
    const id = pciIdOf(body.pci_device_id);
    const named = modelOfName(body.name);
    if (named !== null && id !== null && named.pci_id !== id) {
      const other = modelOfId(id);
      return `the name says ${named.name} (PCI id ${named.pci_id}), the PCI id is ${id}${other === null ? "" : ` (${other.name})`}`;
    }
    // Older drivers print a board part number here, which begins with three digits.
    const part = /^([0-9A-F]{4})-\d{3}-[0-9A-Z]{2}$/.exec(body.gpu_part_number ?? "")?.[1];
    if (id !== null && part !== undefined && part !== id) {
      return `the PCI id is ${id}, the GPU part number ${body.gpu_part_number} begins with ${part}`;
    }
    if (model !== null && body.architecture !== null && body.architecture !== model.architecture) {
      return `${model.name} is of the ${model.architecture} architecture, the driver says ${body.architecture}`;
    }
    return null;
  },
};
