import type { TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

/** A program that runs on the GPU has its context there: hundreds of MiB on any data-center model. */
const leastContext_mib = 64;

export const busyWithoutMemory: TelemetryRule = {
  code: "BUSY_WITHOUT_MEMORY",
  judge({ body: { sm_activity_permille, util_permille, fb_used_mib } }) {
    const busy = (sm_activity_permille ?? util_permille)?.mean ?? 0;
    if (busy < 200 || fb_used_mib === null || fb_used_mib.max >= leastContext_mib) return null;
    return `busy ${words.percent(busy)} of the time with at most ${fb_used_mib.max} MiB of memory in use`;
  },
};
