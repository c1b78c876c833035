import type { HealthReading } from "../telemetrySource.js";
import type { Probe } from "./createProbe.js";
import { flagAt } from "./flagAt.js";

/** Null with MIG on, where NVML cannot ask, and on GPUs that remap no rows. */
export function readRemappedRows(probe: Probe, device: bigint, mig: boolean): HealthReading["remapped_rows"] {
  if (mig) return null;
  const { extra, extraAt } = probe;
  if (!probe.get("nvmlDeviceGetRemappedRows", device, extra(0), extra(1), extra(2), extra(3))) return null;
  const correctable = probe.u32(extraAt(0));
  const uncorrectable = probe.u32(extraAt(1));
  if (correctable === null || uncorrectable === null) return null;
  return {
    correctable,
    uncorrectable,
    pending: flagAt(probe, extraAt(2)),
    failure: flagAt(probe, extraAt(3)),
  };
}
