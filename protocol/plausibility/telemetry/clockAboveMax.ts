import type { TelemetryRule } from "../telemetryRule.js";

export const clockAboveMax: TelemetryRule = {
  code: "CLOCK_ABOVE_MAX",
  judge({ body: { sm_clock_mhz }, inventory, model }) {
    const max_mhz = model?.sm_clock_max_mhz ?? inventory?.sm_clock_max_mhz ?? null;
    if (sm_clock_mhz === null || max_mhz === null || sm_clock_mhz.max <= max_mhz * 1.02) return null;
    return `an SM clock of ${sm_clock_mhz.max} MHz on a GPU that can do ${max_mhz} MHz`;
  },
};
