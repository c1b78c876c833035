import { noReading } from "../noReading.js";
import { answers } from "../nvidiaSmi/answers.js";
import type { FastReading } from "../telemetrySource.js";
import type { Probe } from "./createProbe.js";
import type { Device } from "./device.js";
import type { NvmlRow } from "./messages.js";
import { readEccCounter } from "./readEcc.js";
import { readMemory } from "./readMemory.js";
import { readMigMode } from "./readMigMode.js";
import { readRecoveryAction } from "./readRecoveryAction.js";
import { readRemappedRows } from "./readRemappedRows.js";
import { readTemperature } from "./readTemperature.js";
import { readThrottle } from "./readThrottle.js";
import { within } from "./within.js";

/** nvmlClockType_t NVML_CLOCK_SM. */
const smClock = 1;

/**
 * What is read of a GPU every second: the same as the columns of nvidia-smi's stream, with SM activity and energy. A
 * GPU is `lost` when any call says so, or when none of its measurements is answered. One that requires a reset is
 * `present` as long as it measures anything, with the recovery action `reset`; else it is `lost` like any other.
 */
export function readFast(probe: Probe, { handle, uuid, sm_activity }: Device): NvmlRow {
  probe.begin();
  const power_mw = probe.number("nvmlDeviceGetPowerUsage", handle);
  // The first call of a lost GPU tells; the others need not be made.
  if (probe.isLost()) return lostRow(uuid);
  const mig = readMigMode(probe, handle) === true;
  const fast: FastReading = {
    // With MIG on, the whole-GPU figures mean nothing, whatever the driver says.
    ...(mig ? noUtilization : readUtilization(probe, handle)),
    sm_activity_permille: mig || sm_activity === null ? null : sm_activity.read(),
    fb_used_mib: readMemory(probe, handle).used_mib,
    power_mw,
    temp_mc: readTemperature(probe, handle),
    sm_clock_mhz: probe.number("nvmlDeviceGetClockInfo", handle, smClock),
    pcie_gen: within(probe.number("nvmlDeviceGetCurrPcieLinkGeneration", handle), 0, 16),
    pcie_width: within(probe.number("nvmlDeviceGetCurrPcieLinkWidth", handle), 0, 64),
    energy_mj: readEnergy(probe, handle),
    throttle: readThrottle(probe, handle),
  };
  const health = {
    dram_uncorrectable: readEccCounter(probe, handle, "uncorrected", "volatile", "dram"),
    sram_uncorrectable: readEccCounter(probe, handle, "uncorrected", "volatile", "sram"),
    remapped_rows: readRemappedRows(probe, handle, mig),
    recovery_action: readRecoveryAction(probe, handle),
  };
  if (probe.isLost() || !answers(fast)) return lostRow(uuid);
  return { uuid, presence: "present", fast, health };
}

/** The row of a GPU that gave no reading. */
export function lostRow(uuid: string): NvmlRow {
  return { uuid, presence: "lost", fast: noReading.fast, health: noHealth };
}

const noHealth = Object.freeze({
  dram_uncorrectable: null,
  sram_uncorrectable: null,
  remapped_rows: null,
  recovery_action: null,
});
const noUtilization = Object.freeze({ util_permille: null, mem_util_permille: null });

function readUtilization(
  probe: Probe,
  device: bigint,
): Pick<FastReading, "util_permille" | "mem_util_permille"> {
  // nvmlUtilization_t: per cent of the GPU, per cent of its memory.
  if (!probe.get("nvmlDeviceGetUtilizationRates", device, probe.out)) return noUtilization;
  const permille = (percent: number | null) => (within(percent, 0, 100) === null ? null : percent! * 10);
  return { util_permille: permille(probe.u32(0)), mem_util_permille: permille(probe.u32(4)) };
}

/** Millijoules since the driver was loaded; all bits set is NVML_VALUE_NOT_AVAILABLE. */
function readEnergy(probe: Probe, device: bigint): string | null {
  if (!probe.get("nvmlDeviceGetTotalEnergyConsumption", device, probe.out)) return null;
  const energy = probe.view.getBigUint64(0, true);
  return energy === 0xffff_ffff_ffff_ffffn ? null : String(energy);
}
