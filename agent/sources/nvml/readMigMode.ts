import type { Probe } from "./createProbe.js";
import { flagAt } from "./flagAt.js";

/** Whether the GPU is cut into instances; null on GPUs that cannot be. */
export function readMigMode(probe: Probe, device: bigint): boolean | null {
  const { extra, extraAt } = probe;
  return probe.get("nvmlDeviceGetMigMode", device, extra(0), extra(1)) ? flagAt(probe, extraAt(0)) : null;
}
