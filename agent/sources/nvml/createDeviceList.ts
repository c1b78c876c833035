import { CaliberError } from "../../../protocol/errors.js";
import { busIdOf, uuidOf } from "../nvidiaSmi/values.js";
import type { Probe } from "./createProbe.js";
import { createSmActivity } from "./createSmActivity.js";
import type { Device } from "./device.js";
import { nvmlCodes } from "./nvmlCodes.js";
import { type NvmlErrorCode, nvmlError } from "./nvmlErrors.js";

/** A host that makes up ever more GPUs must not fill the memory. */
const maxDevices = 256;

export type Listing = {
  devices: readonly Device[];
  /** GPUs that the driver lists or knows and gives no handle for. */
  lost: readonly string[];
  problems: readonly CaliberError<NvmlErrorCode>[];
};

/**
 * Which GPUs there are. A handle outlives one listing as long as NVML stays open; `indexOf` says where a GPU stood before
 * (also before NVML was opened anew), `known` are those to ask for by name when no index shows them.
 */
export function createDeviceList(probe: Probe, onNew: (device: Device) => void) {
  let devices: readonly Device[] = [];

  function deviceAt(index: number, handle: bigint): Device | null {
    const kept = devices.find((device) => device.handle === handle);
    // A lost GPU may not tell its name any more: the handle is still its own.
    const uuid = uuidOf(probe.text("nvmlDeviceGetUUID", handle, 96) ?? undefined) ?? kept?.uuid ?? null;
    if (uuid === null) return null;
    const bus_id = readBusId(probe, handle) ?? kept?.bus_id ?? null;
    if (kept?.uuid === uuid) return Object.assign(kept, { index, bus_id });
    const device = { handle, index, uuid, bus_id, sm_activity: createSmActivity(probe, handle) };
    onNew(device);
    return device;
  }

  return {
    list(count: number, known: ReadonlyMap<string, number | null>): Listing {
      const problems: CaliberError<NvmlErrorCode>[] = [];
      const found: Device[] = [];
      const lostAt = new Set<number>();
      for (let index = 0; index < Math.min(count, maxDevices); index++) {
        const device = probe.get("nvmlDeviceGetHandleByIndex_v2", index, probe.out)
          ? deviceAt(index, probe.view.getBigUint64(0, true))
          : null;
        if (device !== null) {
          found.push(device);
          continue;
        }
        if (isLostCode(probe.lastCode())) lostAt.add(index);
        problems.push(nvmlError(probe.lastCode(), `the handle of GPU ${index}`));
      }
      const unique = found.filter(({ uuid }) => found.filter((other) => other.uuid === uuid).length === 1);
      if (unique.length < found.length) {
        problems.push(
          new CaliberError("NVML_DUPLICATE_UUID", "NVML lists two GPUs with one UUID", {
            disposition: "retryable",
          }),
        );
      }
      for (const device of new Set([...devices, ...found])) {
        if (!unique.includes(device)) device.sm_activity?.free();
      }
      devices = unique;
      const absent = [...known].filter(([uuid]) => !found.some((device) => device.uuid === uuid));
      const lost = absent.filter(([uuid, index]) => {
        if (index !== null && lostAt.has(index)) return true;
        return !probe.get("nvmlDeviceGetHandleByUUID", uuid, probe.out) && isLostCode(probe.lastCode());
      });
      return { devices, lost: lost.map(([uuid]) => uuid), problems };
    },
    free() {
      for (const device of devices) device.sm_activity?.free();
      devices = [];
    },
  };
}

/**
 * Codes by which the driver gives up on a GPU that is there. One that falls off the bus often says no more than UNKNOWN;
 * NO_PERMISSION and NOT_FOUND say nothing of the GPU.
 */
const lostCodes: ReadonlySet<number> = new Set([
  nvmlCodes.insufficientPower,
  nvmlCodes.interrupt,
  nvmlCodes.gpuIsLost,
  nvmlCodes.resetRequired,
  nvmlCodes.unknown,
]);
const isLostCode = (code: number) => lostCodes.has(code);

/** nvmlPciInfo_t ends with `domain:bus:device.function`, 36 bytes in. */
function readBusId(probe: Probe, handle: bigint): string | null {
  if (!probe.get("nvmlDeviceGetPciInfo_v3", handle, probe.out)) return null;
  return busIdOf(probe.chars(36, 32) ?? undefined);
}
