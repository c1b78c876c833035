import type { HealthReading } from "../telemetrySource.js";
import type { Probe } from "./createProbe.js";

/** NVML_GPU_FABRIC_STATE_*; 0 is a GPU without a fabric. */
const states = [null, "not_started", "in_progress", "completed"];

/**
 * NVLink fabric, by the newest of three structs that the driver knows; null where there is none. Status, clique and
 * cluster count only once the probe is completed (nvml.h).
 */
export function readFabric(probe: Probe, device: bigint): HealthReading["fabric"] {
  const versioned =
    probe.struct("nvmlDeviceGetGpuFabricInfoV", device, 40, 3) ||
    probe.struct("nvmlDeviceGetGpuFabricInfoV", device, 36, 2);
  if (!versioned && !probe.get("nvmlDeviceGetGpuFabricInfo", device, probe.out)) return null;
  // The old struct lacks the version in front.
  const at = versioned ? 4 : 0;
  const state = states[probe.view.getUint8(at + 24)] ?? null;
  if (state === null) return null;
  const completed = state === "completed";
  return {
    state,
    status: completed ? statusOf(probe.view.getUint32(at + 16, true)) : null,
    clique_id: completed ? probe.u32(at + 20) : null,
    cluster_uuid: completed ? clusterOf(probe.out.subarray(at, at + 16)) : null,
  };
}

/** An nvmlReturn_t: nvidia-smi prints the error's words, of which the header promises none. */
const statusOf = (code: number) => (code === 0 ? "success" : `error_${code}`);

/** As nvidia-smi prints it; all zero says that no fabric manager has named a cluster. */
function clusterOf(bytes: Uint8Array): string | null {
  const hex = Buffer.from(bytes).toString("hex");
  if (/^0+$/.test(hex)) return null;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
