import type { TelemetryRule } from "../telemetryRule.js";

/**
 * A GPU that answered at no time of the window has no readings. One sample at the window's very beginning stands for no
 * time and may have some; two that differ may not.
 */
export const readingsWhileAbsent: TelemetryRule = {
  code: "READINGS_WHILE_ABSENT",
  judge({ body, window }) {
    if (body.presence === "present" || body.present_ms > 0 || window.end_ms === window.start_ms) return null;
    const { util_permille: util, power_mw: power } = body;
    if ((util === null || util.min === util.max) && (power === null || power.min === power.max)) return null;
    return `${body.presence} for the whole window, with readings that move: utilization ${util?.min} to ${util?.max} ‰, power ${power?.min} to ${power?.max} mW`;
  },
};
