import type { TelemetryBody } from "../../report/schema.js";
import type { TelemetryRule } from "../telemetryRule.js";

const quantities = [
  "util_permille",
  "sm_activity_permille",
  "mem_util_permille",
  "fb_used_mib",
  "power_mw",
  "temp_mc",
  "sm_clock_mhz",
] as const satisfies readonly (keyof TelemetryBody)[];

/** The schema cannot say that the mean lies between the smallest and the largest. */
export const statOutOfOrder: TelemetryRule = {
  code: "STAT_OUT_OF_ORDER",
  judge({ body }) {
    for (const name of quantities) {
      const stat = body[name];
      if (stat !== null && !(stat.min <= stat.mean && stat.mean <= stat.max)) {
        return `${name}: smallest ${stat.min}, mean ${stat.mean}, largest ${stat.max}`;
      }
    }
    return null;
  },
};
