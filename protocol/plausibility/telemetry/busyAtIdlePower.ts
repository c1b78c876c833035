import type { TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

/** Fewer samples than this may show a load that has only just begun: power follows it by a second. */
const minSamples = 5;

/**
 * A GPU that runs anything raises its clocks, and draws half as much again as one that runs nothing. Utilization is the
 * reading that a borrower gains most by dressing up, and power the one that is forgotten with it.
 */
export const busyAtIdlePower: TelemetryRule = {
  code: "BUSY_AT_IDLE_POWER",
  judge({ body, model }) {
    const idle_mw = model?.idle_power_mw ?? null;
    const { util_permille, sm_activity_permille, power_mw } = body;
    if (idle_mw === null || power_mw === null || body.samples < minSamples) return null;
    const busy = Math.max(util_permille?.mean ?? 0, sm_activity_permille?.mean ?? 0);
    if (busy < 500 || power_mw.mean > idle_mw * 1.1) return null;
    return `busy ${words.percent(busy)} of the time at ${words.watts(power_mw.mean)}, which is what ${model?.name} draws idle (${words.watts(idle_mw)})`;
  },
};
