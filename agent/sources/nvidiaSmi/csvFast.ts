import type { FastReading } from "../telemetrySource.js";
import type { Cells } from "./csvCells.js";
import { throttleReasons } from "./throttleReasons.js";
import { flagOf, scaledOf } from "./values.js";

/** The 1 Hz readings of one row. */
export function csvFast(at: Cells): FastReading {
  // With MIG on, the whole-GPU figures mean nothing, whatever the driver prints.
  const mig = flagOf(at("mig.mode.current")) === true;
  return {
    util_permille: mig ? null : scaledOf(at("utilization.gpu"), 10, 0, 1000),
    // nvidia-smi knows neither SM activity nor the energy counter.
    sm_activity_permille: null,
    mem_util_permille: mig ? null : scaledOf(at("utilization.memory"), 10, 0, 1000),
    fb_used_mib: scaledOf(at("memory.used"), 1, 0, Number.MAX_SAFE_INTEGER),
    power_mw: scaledOf(at("power.draw"), 1000, 0, Number.MAX_SAFE_INTEGER),
    temp_mc: scaledOf(at("temperature.gpu"), 1000, -273_150, 1_000_000),
    sm_clock_mhz: scaledOf(at("clocks.current.sm"), 1, 0, Number.MAX_SAFE_INTEGER),
    pcie_gen: scaledOf(at("pcie.link.gen.current"), 1, 0, 16),
    pcie_width: scaledOf(at("pcie.link.width.current"), 1, 0, 64),
    energy_mj: null,
    throttle: throttleReasons(at("clocks_throttle_reasons.active") ?? at("clocks_event_reasons.active")),
  };
}
