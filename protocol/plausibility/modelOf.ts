import type { InventoryBody } from "../report/schema.js";
import { type GpuModel, gpuModels } from "./gpuModels.js";
import { pciIdOf } from "./pciIdOf.js";

// Drivers of different age print another maker's name before it, or none.
const byName = new Map(
  gpuModels.flatMap((model) => ["", "NVIDIA ", "Tesla "].map((maker) => [maker + model.name, model])),
);
const byId = new Map(gpuModels.map((model) => [model.pci_id, model]));

/** The model that a GPU's name stands for; null for one that the table does not know. */
export function modelOfName(name: string | null): GpuModel | null {
  return (name === null ? undefined : byName.get(name)) ?? null;
}

/** The model behind a PCI device id (4 hex digits in upper case); null for one that the table does not know. */
export function modelOfId(id: string | null): GpuModel | null {
  return (id === null ? undefined : byId.get(id)) ?? null;
}

/**
 * What a GPU claims to be, by name or else by PCI id. It is held to the claim that it is sold and lent against, so the
 * name goes first: an unknown id beside it must not shake off the model's figures.
 */
export function modelOf(inventory: Pick<InventoryBody, "name" | "pci_device_id">): GpuModel | null {
  return modelOfName(inventory.name) ?? modelOfId(pciIdOf(inventory.pci_device_id));
}
