import type { Probe } from "./createProbe.js";

const mib = 2 ** 20;
const floored = (bytes: number | null) => (bytes === null ? null : Math.floor(bytes / mib));

/**
 * Frame buffer in MiB, cut as nvidia-smi cuts. nvmlMemory_v2_t (R510+) counts what driver and firmware reserve apart
 * from what is used; the older struct counts it as used.
 */
export function readMemory(
  probe: Probe,
  device: bigint,
): { total_mib: number | null; used_mib: number | null } {
  if (probe.struct("nvmlDeviceGetMemoryInfo_v2", device, 40, 2)) {
    return { total_mib: floored(probe.u64(8)), used_mib: floored(probe.u64(32)) };
  }
  if (probe.get("nvmlDeviceGetMemoryInfo", device, probe.out)) {
    return { total_mib: floored(probe.u64(0)), used_mib: floored(probe.u64(16)) };
  }
  return { total_mib: null, used_mib: null };
}
