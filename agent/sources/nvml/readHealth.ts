import type { HealthReading } from "../telemetrySource.js";
import type { Probe } from "./createProbe.js";
import { readEcc, readSramThreshold } from "./readEcc.js";
import { readFabric } from "./readFabric.js";
import { readMigMode } from "./readMigMode.js";
import { readProcesses } from "./readProcesses.js";
import { readRecoveryAction } from "./readRecoveryAction.js";
import { readRemappedRows } from "./readRemappedRows.js";

/** State that changes seldom, whole. */
export function readHealth(probe: Probe, device: bigint): HealthReading {
  return {
    ecc_volatile: readEcc(probe, device, "volatile"),
    ecc_aggregate: readEcc(probe, device, "aggregate"),
    sram_threshold_exceeded: readSramThreshold(probe, device),
    remapped_rows: readRemappedRows(probe, device, readMigMode(probe, device) === true),
    pcie_replays: probe.number("nvmlDeviceGetPcieReplayCounter", device),
    processes: readProcesses(probe, device),
    fabric: readFabric(probe, device),
    recovery_action: readRecoveryAction(probe, device),
  };
}
