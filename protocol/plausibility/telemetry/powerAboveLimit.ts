import type { TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

/** The limit is held over fractions of a second: single readings pass it, the mean of a window does not. */
export const powerAboveLimit: TelemetryRule = {
  code: "POWER_ABOVE_LIMIT",
  judge({ body: { power_mw }, inventory, model }) {
    const limit_mw = model?.power_limit_max_mw ?? inventory?.power_limit_mw ?? null;
    if (power_mw === null || limit_mw === null || power_mw.mean <= limit_mw * 1.25) return null;
    return `a mean of ${words.watts(power_mw.mean)} on a GPU that is limited to ${words.watts(limit_mw)}`;
  },
};
