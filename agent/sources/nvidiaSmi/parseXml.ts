import { CaliberError } from "../../../protocol/errors.js";
import type { MigDevice } from "../../../protocol/report/schema.js";
import { noReading } from "../noReading.js";
import type { FastReading, HealthReading } from "../telemetrySource.js";
import { answers } from "./answers.js";
import { eccOf } from "./eccOf.js";
import { fabricOf } from "./fabricOf.js";
import type { GpuReading } from "./gpuReading.js";
import { placeOf } from "./placeOf.js";
import type { SmiErrorCode } from "./smiErrors.js";
import {
  busIdOf,
  countOf,
  flagOf,
  givenOf,
  saysLost,
  scaledOf,
  serialOf,
  textOf,
  uuidOf,
  wordsOf,
} from "./values.js";
import { migPaths, xmlPaths as p, powerDrawPaths, powerLimitPaths, throttleParents } from "./xmlPaths.js";
import { createXmlReader, type RawGpu, type RawLog } from "./xmlReader.js";

/**
 * Readings of a whole `nvidia-smi -q -x`, in its order.
 *
 * @throws CaliberError NVIDIA_SMI_XML_MALFORMED, NVIDIA_SMI_OUTPUT_TOO_LARGE, NVIDIA_SMI_DUPLICATE_UUID
 */
export function parseXml(xml: string): GpuReading[] {
  const reader = createXmlReader();
  reader.write(xml);
  return readingsOf(reader.end());
}

/** @throws CaliberError NVIDIA_SMI_DUPLICATE_UUID: two GPUs under one name cannot be told apart. */
export function readingsOf(log: RawLog): GpuReading[] {
  const readings = log.gpus.map((gpu, index) => readingOf(gpu, log, index));
  const uuids = readings.flatMap(({ uuid }) => uuid ?? []);
  if (new Set(uuids).size < uuids.length) {
    throw new CaliberError<SmiErrorCode>(
      "NVIDIA_SMI_DUPLICATE_UUID",
      "nvidia-smi lists two GPUs with one UUID",
    );
  }
  return readings;
}

function readingOf(gpu: RawGpu, log: RawLog, index: number): GpuReading {
  const { values } = gpu;
  const at = (path: string) => values.get(path);
  const mig = flagOf(at(p.mig));
  const busId = busIdOf(at(p.busId)) ?? busIdOf(gpu.id);
  const fast = fastOf(gpu, mig);
  const lost = [...values.values()].some(saysLost) || !answers(fast);
  return {
    uuid: uuidOf(at(p.uuid)),
    bus_id: busId,
    presence: lost ? "lost" : "present",
    inventory: {
      index: index <= 4095 ? index : null,
      serial: serialOf(at(p.serial)),
      pdi: /^0x[0-9a-f]{16}$/.exec(givenOf(at(p.pdi))?.toLowerCase() ?? "")?.[0] ?? null,
      name: textOf(at(p.name), 128),
      brand: textOf(at(p.brand), 64),
      architecture: textOf(at(p.architecture), 64),
      vbios_version: textOf(at(p.vbios), 64),
      board_part_number: serialOf(at(p.boardPart)),
      gpu_part_number: serialOf(at(p.gpuPart)),
      inforom_image_version: textOf(at(p.inforom), 64),
      driver_version: textOf(log.driver, 64),
      cuda_version: textOf(log.cuda, 32),
      pci_bus_id: busId,
      pci_device_id: textOf(at(p.deviceId), 16),
      pcie_gen_max: scaledOf(at(p.genMax), 1, 1, 16),
      pcie_width_max: scaledOf(at(p.widthMax), 1, 1, 64),
      fb_total_mib: scaledOf(at(p.fbTotal), 1, 0, Number.MAX_SAFE_INTEGER),
      sm_clock_max_mhz: scaledOf(at(p.smClockMax), 1, 1, Number.MAX_SAFE_INTEGER),
      power_limit_mw: firstOf(powerLimitPaths, (path) => milliwatts(at(path))),
      mig_enabled: mig,
      ecc_enabled: flagOf(at(p.ecc)),
      persistence_enabled: flagOf(at(p.persistence)),
      module_id: scaledOf(at(p.moduleId), 1, 0, 1024) ?? scaledOf(at(p.moduleIdOld), 1, 0, 1024),
      ...placeOf({ chassis: at(p.chassisSerial), slot: at(p.slot), tray: at(p.tray) }),
      mig_devices: mig === true ? migDevicesOf(gpu) : null,
      host: null,
    },
    ...(lost ? noReading : { fast, health: healthOf(gpu) }),
  };
}

function fastOf(gpu: RawGpu, mig: boolean | null): FastReading {
  const at = (path: string) => gpu.values.get(path);
  return {
    // With MIG on, the whole-GPU figures mean nothing, whatever the driver prints.
    util_permille: mig === true ? null : scaledOf(at(p.util), 10, 0, 1000),
    sm_activity_permille: null,
    mem_util_permille: mig === true ? null : scaledOf(at(p.memUtil), 10, 0, 1000),
    fb_used_mib: scaledOf(at(p.fbUsed), 1, 0, Number.MAX_SAFE_INTEGER),
    power_mw: firstOf(powerDrawPaths, (path) => milliwatts(at(path))),
    temp_mc: scaledOf(at(p.temp), 1000, -273_150, 1_000_000),
    sm_clock_mhz: scaledOf(at(p.smClock), 1, 0, Number.MAX_SAFE_INTEGER),
    pcie_gen: scaledOf(at(p.gen), 1, 0, 16),
    pcie_width: scaledOf(at(p.width), 1, 0, 64),
    energy_mj: null,
    throttle: throttleOf(gpu),
  };
}

function healthOf(gpu: RawGpu): HealthReading {
  const { values } = gpu;
  const correctable = countOf(values.get(p.remappedCorrectable));
  const uncorrectable = countOf(values.get(p.remappedUncorrectable));
  // An empty list is zero processes; a text such as N/A in its place is no answer.
  const listed = values.get(p.processes)?.trim() === "";
  return {
    ecc_volatile: eccOf(values, "volatile"),
    ecc_aggregate: eccOf(values, "aggregate"),
    sram_threshold_exceeded: flagOf(values.get(p.sramThreshold)),
    remapped_rows:
      correctable === null || uncorrectable === null
        ? null
        : {
            correctable,
            uncorrectable,
            pending: flagOf(values.get(p.remappedPending)),
            failure: flagOf(values.get(p.remappedFailure)),
          },
    recovery_action: wordsOf(values.get(p.recovery), 48),
    pcie_replays: countOf(values.get(p.replays)),
    processes: listed || gpu.processes > 0 ? Math.min(gpu.processes, 65_535) : null,
    fabric: fabricOf({
      state: values.get(p.fabricState),
      status: values.get(p.fabricStatus),
      clique: values.get(p.fabricClique),
      cluster: values.get(p.fabricCluster),
    }),
  };
}

/** The instances in the order printed. `None` is a GPU not cut up yet; any other text in place of a list is no answer. */
function migDevicesOf(gpu: RawGpu): MigDevice[] | null {
  const text = gpu.values.get(p.migDevices)?.trim().toLowerCase();
  if (gpu.migDevices.length === 0) return text === "none" || text === "" ? [] : null;
  return gpu.migDevices.flatMap((device) => {
    const gpu_instance = scaledOf(device.get(migPaths.gpuInstance), 1, 0, 4095);
    // Without its number an instance cannot be told from the next.
    if (gpu_instance === null) return [];
    return {
      gpu_instance,
      compute_instance: scaledOf(device.get(migPaths.computeInstance), 1, 0, 4095),
      // `nvidia-smi -L` alone knows these two; a child process for it each minute is not worth them.
      uuid: null,
      profile: null,
      fb_total_mib: scaledOf(device.get(migPaths.fbTotal), 1, 0, Number.MAX_SAFE_INTEGER),
    };
  });
}

function throttleOf(gpu: RawGpu): string[] | null {
  const active: string[] = [];
  let told = false;
  for (const [element, text] of gpu.throttle) {
    const flag = flagOf(text);
    if (flag !== null) told = true;
    const prefix = Object.values(throttleParents).find((candidate) => element.startsWith(candidate));
    const name = prefix === undefined ? "" : element.slice(prefix.length);
    if (flag === true && /^[a-z0-9_]{1,64}$/.test(name)) active.push(name);
  }
  return told ? [...new Set(active)].sort().slice(0, 32) : null;
}

const milliwatts = (text: string | undefined) => scaledOf(text, 1000, 0, Number.MAX_SAFE_INTEGER);

function firstOf<T>(paths: readonly string[], read: (path: string) => T | null): T | null {
  for (const path of paths) {
    const value = read(path);
    if (value !== null) return value;
  }
  return null;
}
