import type { TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

const minWindow_ms = 5000;
/** The counter is read with a sample, so either end may be off by about one; power is itself a mean of the last second. */
const slack_ms = 2000;

/**
 * The energy counter is the time integral of the power that was sampled, so it must have risen by no less than the
 * smallest and no more than the largest power over that time. Needs two windows side by side in which the GPU answered
 * throughout. A counter that fell is another rule's (counterWentBack.ts).
 */
export const energyOfPower: TelemetryRule = {
  code: "ENERGY_NOT_OF_POWER",
  judge({ body, window, before }) {
    const { energy_mj, power_mw } = body;
    if (before === null || energy_mj === null || before.body.energy_mj === null || power_mw === null)
      return null;
    const length_ms = window.end_ms - window.start_ms;
    const isSideBySide = Math.abs(window.start_ms - before.window.end_ms) <= 1000;
    if (length_ms < minWindow_ms || !isSideBySide || body.present_ms < length_ms * 0.9) return null;
    if (body.presence !== "present" || before.body.presence !== "present") return null;
    // Another source's reading has a time of its own, up to its own interval ago.
    if (body.supplied.some(({ fields }) => fields.includes("energy_mj"))) return null;
    const rise_mj = Number(energy_mj) - Number(before.body.energy_mj);
    if (rise_mj < 0) return null;
    const least_mj = (0.7 * power_mw.min * (length_ms - slack_ms)) / 1000;
    const most_mj = (1.3 * power_mw.max * (length_ms + slack_ms)) / 1000;
    if (rise_mj >= least_mj && rise_mj <= most_mj) return null;
    return `the energy counter rose by ${words.joules(rise_mj)} in ${words.seconds(length_ms)} at ${words.watts(power_mw.min)} to ${words.watts(power_mw.max)}`;
  },
};
