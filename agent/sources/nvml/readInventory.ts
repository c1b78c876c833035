import type { InventoryBody } from "../../../protocol/report/schema.js";
import { serialOf, textOf } from "../nvidiaSmi/values.js";
import type { Probe } from "./createProbe.js";
import type { Device } from "./device.js";
import { flagAt } from "./flagAt.js";
import { architectures, brands } from "./names.js";
import { readMemory } from "./readMemory.js";
import { readMigDevices } from "./readMigDevices.js";
import { readMigMode } from "./readMigMode.js";
import { readPlace } from "./readPlace.js";
import { within } from "./within.js";

/** Versions of driver and CUDA, asked once for all GPUs. */
export type Versions = Pick<InventoryBody, "driver_version" | "cuda_version">;

export function readVersions(probe: Probe): Versions {
  const driver = probe.get("nvmlSystemGetDriverVersion", probe.out, 80) ? probe.chars(0, 80) : null;
  // 13000 is CUDA 13.0.
  const cuda = within(probe.number("nvmlSystemGetCudaDriverVersion_v2"), 1000, 999_999);
  return {
    driver_version: textOf(driver ?? undefined, 64),
    cuda_version: cuda === null ? null : `${Math.floor(cuda / 1000)}.${Math.floor((cuda % 1000) / 10)}`,
  };
}

/**
 * What a GPU says it is, spelled as nvidia-smi spells it. NVML has no function for the GPU's own part number, so that is
 * null here.
 */
export function readInventory(probe: Probe, device: Device, versions: Versions): InventoryBody {
  const { handle, uuid, index, bus_id } = device;
  const text = (name: Parameters<Probe["text"]>[0], length: number, limit: number) =>
    textOf(probe.text(name, handle, length) ?? undefined, limit);
  const mig_enabled = readMigMode(probe, handle);
  const { extra, extraAt } = probe;
  return {
    index,
    uuid,
    serial: serialOf(probe.text("nvmlDeviceGetSerial", handle, 30) ?? undefined),
    pdi: readPdi(probe, handle),
    name: text("nvmlDeviceGetName", 96, 128),
    brand: brands[probe.number("nvmlDeviceGetBrand", handle) ?? 0] ?? null,
    architecture: architectures[probe.number("nvmlDeviceGetArchitecture", handle) ?? 0] ?? null,
    vbios_version: text("nvmlDeviceGetVbiosVersion", 32, 64),
    board_part_number: serialOf(probe.text("nvmlDeviceGetBoardPartNumber", handle, 80) ?? undefined),
    gpu_part_number: null,
    inforom_image_version: text("nvmlDeviceGetInforomImageVersion", 16, 64),
    ...versions,
    pci_bus_id: bus_id,
    pci_device_id: readPciDeviceId(probe, handle),
    pcie_gen_max: within(probe.number("nvmlDeviceGetMaxPcieLinkGeneration", handle), 1, 16),
    pcie_width_max: within(probe.number("nvmlDeviceGetMaxPcieLinkWidth", handle), 1, 64),
    fb_total_mib: readMemory(probe, handle).total_mib,
    sm_clock_max_mhz: within(probe.number("nvmlDeviceGetMaxClockInfo", handle, 1), 1),
    power_limit_mw:
      probe.number("nvmlDeviceGetEnforcedPowerLimit", handle) ??
      probe.number("nvmlDeviceGetPowerManagementLimit", handle),
    mig_enabled,
    ecc_enabled: probe.get("nvmlDeviceGetEccMode", handle, extra(0), extra(1))
      ? flagAt(probe, extraAt(0))
      : null,
    persistence_enabled: probe.get("nvmlDeviceGetPersistenceMode", handle, probe.out) ? flagAt(probe) : null,
    ...readPlace(probe, handle),
    mig_devices: mig_enabled === true ? readMigDevices(probe, handle) : null,
    host: null,
  };
}

/** nvmlPdi_v1_t: version, then 64 bits. */
function readPdi(probe: Probe, device: bigint): string | null {
  if (!probe.struct("nvmlDeviceGetPdi", device, 16, 1)) return null;
  return `0x${probe.view.getBigUint64(8, true).toString(16).padStart(16, "0")}`;
}

/** Device and vendor id in one, as nvidia-smi prints them: `233010DE`. */
function readPciDeviceId(probe: Probe, device: bigint): string | null {
  if (!probe.get("nvmlDeviceGetPciInfo_v3", device, probe.out)) return null;
  return probe.view.getUint32(28, true).toString(16).toUpperCase().padStart(8, "0");
}
