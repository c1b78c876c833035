import type { FastReading, HealthReading } from "./telemetrySource.js";

/** The readings of a GPU that gave none. */
export const noReading: { readonly fast: FastReading; readonly health: HealthReading } = Object.freeze({
  fast: Object.freeze({
    util_permille: null,
    sm_activity_permille: null,
    mem_util_permille: null,
    fb_used_mib: null,
    power_mw: null,
    temp_mc: null,
    sm_clock_mhz: null,
    pcie_gen: null,
    pcie_width: null,
    energy_mj: null,
    throttle: null,
  }),
  health: Object.freeze({
    ecc_volatile: null,
    ecc_aggregate: null,
    sram_threshold_exceeded: null,
    remapped_rows: null,
    recovery_action: null,
    pcie_replays: null,
    processes: null,
    fabric: null,
  }),
});
