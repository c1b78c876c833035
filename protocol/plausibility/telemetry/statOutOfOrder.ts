import type { TelemetryBody } from "../../report/schema.js";
import type { TelemetryRule } from "../telemetryRule.js";

/** The schema cannot say that the mean lies between the smallest and the largest. */
export const statOutOfOrder: TelemetryRule = {
  code: "STAT_OUT_OF_ORDER",
  judge({ body }) {
    if (
      isInOrder(body.util_permille) &&
      isInOrder(body.sm_activity_permille) &&
      isInOrder(body.mem_util_permille) &&
      isInOrder(body.fb_used_mib) &&
      isInOrder(body.power_mw) &&
      isInOrder(body.temp_mc) &&
      isInOrder(body.sm_clock_mhz)
    ) {
      return null;
    }
    const name = quantities.find((quantity) => !isInOrder(body[quantity]))!;
    const { min, mean, max } = body[name]!;
    return `${name}: smallest ${min}, mean ${mean}, largest ${max}`;
  },
};

const isInOrder = (stat: { min: number; mean: number; max: number } | null): boolean =>
  stat === null || (stat.min <= stat.mean && stat.mean <= stat.max);

const quantities = [
  "util_permille",
  "sm_activity_permille",
  "mem_util_permille",
  "fb_used_mib",
  "power_mw",
  "temp_mc",
  "sm_clock_mhz",
] as const satisfies readonly (keyof TelemetryBody)[];
