import { generateKeyPairSync } from "node:crypto";
import { syntheticDevice } from "../../protocol/evidence/testing/syntheticDevice.js";
import type { InventoryBody } from "../../protocol/report/schema.js";
import { inventoryOf } from "./testReports.js";

/** GPUs of nobody's that one root stands above, as NVIDIA's stands above all of its own. */
export function syntheticFleet(...pdis: string[]) {
  const keys = Array.from({ length: 3 }, () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
  const first = syntheticDevice({ pdi: pdis[0]!, change: (i) => (i > 1 ? { key: keys[i - 2]! } : {}) });
  const shared = first.certificates.slice(2);
  const others = pdis.slice(1).map((pdi) => {
    const device = syntheticDevice({ pdi, change: (i) => (i > 1 ? { key: keys[i - 2]! } : {}) });
    return { ...device, certificates: [...device.certificates.slice(0, 2), ...shared] };
  });
  return { root_sha256: first.root_sha256, gpus: [first, ...others] };
}

/** The inventory that goes with what a synthetic GPU signs. */
export const syntheticInventory = (uuid: string): InventoryBody => ({
  ...inventoryOf(uuid),
  architecture: "Hopper",
  driver_version: "590.12",
  vbios_version: "96.00.A5.00.01",
  gpu_part_number: "2330-885-A1",
  inforom_image_version: "G520.0200.00.05",
});
