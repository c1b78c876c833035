import type { TelemetryRule } from "../telemetryRule.js";

export const memoryAboveTotal: TelemetryRule = {
  code: "MEMORY_ABOVE_TOTAL",
  judge({ body: { fb_used_mib }, inventory }) {
    const total_mib = inventory?.fb_total_mib ?? null;
    if (fb_used_mib === null || total_mib === null || fb_used_mib.max <= total_mib) return null;
    return `${fb_used_mib.max} MiB of memory in use on a GPU that has ${total_mib} MiB`;
  },
};
