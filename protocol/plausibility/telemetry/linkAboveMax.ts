import type { TelemetryRule } from "../telemetryRule.js";

export const linkAboveMax: TelemetryRule = {
  code: "LINK_ABOVE_MAX",
  judge({ body: { pcie_gen, pcie_width }, inventory, model }) {
    const gen_max = inventory?.pcie_gen_max ?? model?.pcie_gen_max ?? null;
    const width_max = inventory?.pcie_width_max ?? model?.pcie_width_max ?? null;
    if (pcie_gen !== null && gen_max !== null && pcie_gen > gen_max) {
      return `a PCIe link of generation ${pcie_gen} on a GPU whose most is ${gen_max}`;
    }
    if (pcie_width !== null && width_max !== null && pcie_width > width_max) {
      return `a PCIe link of ${pcie_width} lanes on a GPU whose most is ${width_max}`;
    }
    return null;
  },
};
