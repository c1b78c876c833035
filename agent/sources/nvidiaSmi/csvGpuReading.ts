import { noReading } from "../noReading.js";
import { answers } from "./answers.js";
import { csvCells } from "./csvCells.js";
import { csvEcc } from "./csvEcc.js";
import { csvFast } from "./csvFast.js";
import { csvRemappedRows } from "./csvRemappedRows.js";
import { fabricOf } from "./fabricOf.js";
import type { GpuReading } from "./gpuReading.js";
import { placeOf } from "./placeOf.js";
import { busIdOf, flagOf, saysLost, scaledOf, serialOf, textOf, uuidOf, wordsOf } from "./values.js";

/**
 * Everything that one row of `--query-gpu` says of a GPU; what was not asked for, or is not to be had in CSV (PDI, brand,
 * part numbers, MIG instances, PCIe replays, processes), is null. `columns` are names without units.
 */
export function csvGpuReading(columns: readonly string[], cells: readonly string[]): GpuReading {
  const at = csvCells(columns, cells);
  const bus_id = busIdOf(at("pci.bus_id"));
  const fast = csvFast(at);
  const lost = cells.some(saysLost) || !answers(fast);
  return {
    uuid: uuidOf(at("uuid")),
    bus_id,
    presence: lost ? "lost" : "present",
    inventory: {
      index: scaledOf(at("index"), 1, 0, 4095),
      serial: serialOf(at("serial")),
      pdi: null,
      name: textOf(at("name"), 128),
      brand: null,
      architecture: null,
      vbios_version: textOf(at("vbios_version"), 64),
      board_part_number: null,
      gpu_part_number: null,
      inforom_image_version: textOf(at("inforom.img"), 64),
      driver_version: textOf(at("driver_version"), 64),
      cuda_version: null,
      pci_bus_id: bus_id,
      // The XML prints the same number without the prefix.
      pci_device_id: textOf(at("pci.device_id"), 18)?.replace(/^0x/i, "") ?? null,
      pcie_gen_max: scaledOf(at("pcie.link.gen.max"), 1, 1, 16),
      pcie_width_max: scaledOf(at("pcie.link.width.max"), 1, 1, 64),
      fb_total_mib: scaledOf(at("memory.total"), 1, 0, Number.MAX_SAFE_INTEGER),
      sm_clock_max_mhz: scaledOf(at("clocks.max.sm"), 1, 1, Number.MAX_SAFE_INTEGER),
      power_limit_mw: milliwatts(at("enforced.power.limit")) ?? milliwatts(at("power.limit")),
      mig_enabled: flagOf(at("mig.mode.current")),
      ecc_enabled: flagOf(at("ecc.mode.current")),
      persistence_enabled: flagOf(at("persistence_mode")),
      module_id: scaledOf(at("platform.module_id"), 1, 0, 1024),
      ...placeOf({
        chassis: at("platform.chassis_serial_number"),
        slot: at("platform.slot_number"),
        tray: at("platform.tray_index"),
      }),
      mig_devices: null,
      host: null,
    },
    ...(lost
      ? noReading
      : {
          fast,
          health: {
            ecc_volatile: csvEcc(at, "volatile"),
            ecc_aggregate: csvEcc(at, "aggregate"),
            sram_threshold_exceeded: flagOf(at("ecc.errors.uncorrected.aggregate.sram.thresholdExceeded")),
            remapped_rows: csvRemappedRows(at),
            recovery_action: wordsOf(at("gpu_recovery_action"), 48),
            pcie_replays: null,
            processes: null,
            fabric: fabricOf({
              state: at("fabric.state"),
              status: at("fabric.status"),
              clique: at("fabric.cliqueId"),
              cluster: at("fabric.clusterUuid"),
            }),
          },
        }),
  };
}

const milliwatts = (text: string | undefined) => scaledOf(text, 1000, 0, Number.MAX_SAFE_INTEGER);
