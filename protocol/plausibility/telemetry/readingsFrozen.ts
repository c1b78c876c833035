import type { TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

const minSamples = 10;

/** The power of a working GPU moves by watts and is read in steps of a milliwatt or ten: it never stands still. */
export const readingsFrozen: TelemetryRule = {
  code: "READINGS_FROZEN",
  judge({ body, window }) {
    const { power_mw, util_permille, samples, present_ms } = body;
    if (power_mw === null || power_mw.min !== power_mw.max || (util_permille?.mean ?? 0) < 300) return null;
    // One reading among many failures stands still by itself.
    if (samples < minSamples || present_ms < (window.end_ms - window.start_ms) * 0.8) return null;
    return `${samples} samples of a GPU that is busy ${words.percent(util_permille!.mean)} of the time all say ${words.watts(power_mw.max)}`;
  },
};
