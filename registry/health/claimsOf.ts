import type { InventoryClaims } from "../../protocol/plausibility/telemetryRule.js";
import type { InventoryBody } from "../../protocol/report/schema.js";

/** The part of an inventory that windows are held against. */
export function claimsOf(body: InventoryBody): InventoryClaims {
  const {
    name,
    pci_device_id,
    fb_total_mib,
    sm_clock_max_mhz,
    power_limit_mw,
    pcie_gen_max,
    pcie_width_max,
  } = body;
  return {
    name,
    pci_device_id,
    fb_total_mib,
    sm_clock_max_mhz,
    power_limit_mw,
    pcie_gen_max,
    pcie_width_max,
  };
}
