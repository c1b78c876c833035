import type { FastReading } from "../telemetrySource.js";

/**
 * True when the GPU itself gave at least one measurement. The PCIe link and the clock reasons do not count: the
 * driver can tell them of a GPU that no longer answers.
 */
export function answers(fast: FastReading): boolean {
  return [fast.util_permille, fast.fb_used_mib, fast.power_mw, fast.temp_mc, fast.sm_clock_mhz].some(
    (value) => value !== null,
  );
}
