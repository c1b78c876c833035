import type { MigDevice } from "../../../protocol/report/schema.js";
import { textOf } from "../nvidiaSmi/values.js";
import type { Probe } from "./createProbe.js";
import { within } from "./within.js";

/** As many as the report holds. */
const most = 64;

/** The instances that a GPU is cut into, by NVML's index; null when it does not tell. */
export function readMigDevices(probe: Probe, device: bigint): MigDevice[] | null {
  const places = probe.number("nvmlDeviceGetMaxMigDeviceCount", device);
  if (places === null) return null;
  const found: MigDevice[] = [];
  for (let index = 0; index < Math.min(places, most); index++) {
    // NOT_FOUND: indices have holes.
    if (!probe.get("nvmlDeviceGetMigDeviceHandleByIndex", device, index, probe.out)) continue;
    const instance = readMigDevice(probe, probe.view.getBigUint64(0, true));
    if (instance !== null) found.push(instance);
  }
  return found;
}

function readMigDevice(probe: Probe, handle: bigint): MigDevice | null {
  const gpu_instance = within(probe.number("nvmlDeviceGetGpuInstanceId", handle), 0, 4095);
  // Without its number an instance cannot be told from the next.
  if (gpu_instance === null) return null;
  const name = probe.text("nvmlDeviceGetName", handle, 96);
  // nvmlDeviceAttributes_t: eight counts of engines and slices, then the memory in MiB.
  const sized = probe.get("nvmlDeviceGetAttributes_v2", handle, probe.out);
  const fb_total_mib = sized ? probe.u64(32) : null;
  return {
    gpu_instance,
    compute_instance: within(probe.number("nvmlDeviceGetComputeInstanceId", handle), 0, 4095),
    uuid: textOf(probe.text("nvmlDeviceGetUUID", handle, 96) ?? undefined, 96),
    // `NVIDIA A100-SXM4-40GB MIG 1g.5gb`: NVML tells the profile only at the end of the name.
    profile: textOf(/ MIG (\S{1,64})$/.exec(name ?? "")?.[1], 64),
    fb_total_mib,
  };
}
