import type { GpuState } from "./gpuState.js";

type Field = {
  /** Unit as in the header and after the value; absent for plain values. */
  unit?: string;
  /** True for what the driver can tell of a GPU that is lost. */
  kept?: boolean;
  /** Null prints [N/A]. */
  of: (gpu: GpuState, context: { now_ms: number; count: number }) => string | number | null;
};

const two = (value: number, width = 2) => String(value).padStart(width, "0");
const watts = (value: number) => value.toFixed(2);
const yes = (value: boolean) => (value ? "Yes" : "No");
const active = (value: boolean) => (value ? "Active" : "Not Active");
const enabled = (value: boolean) => (value ? "Enabled" : "Disabled");
const na: Field = { of: () => null };
const deprecated: Field = { of: () => "[Requested functionality has been deprecated]" };

function timestamp(now_ms: number): string {
  const at = new Date(now_ms);
  const day = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
}

/** Bit 0 gpu_idle, bit 2 sw_power_cap (NVML's clock event reasons). */
export const reasonsOf = (gpu: GpuState) => ({
  gpu_idle: gpu.util === 0,
  applications_clocks_setting: false,
  sw_power_cap: gpu.powerW >= gpu.model.powerLimitW - 1,
  hw_slowdown: false,
  hw_thermal_slowdown: false,
  hw_power_brake_slowdown: false,
  sync_boost: false,
  sw_thermal_slowdown: false,
});

const mask = (gpu: GpuState) => {
  const { gpu_idle, sw_power_cap } = reasonsOf(gpu);
  return `0x${((gpu_idle ? 1 : 0) | (sw_power_cap ? 4 : 0)).toString(16).toUpperCase().padStart(16, "0")}`;
};

const reasons = ["clocks_event_reasons", "clocks_throttle_reasons"].flatMap((prefix): [string, Field][] => [
  [`${prefix}.supported`, { of: () => "0x00000000000001FF" }],
  [`${prefix}.active`, { of: mask }],
  ...(
    [
      "gpu_idle",
      "applications_clocks_setting",
      "sw_power_cap",
      "hw_slowdown",
      "hw_thermal_slowdown",
      "hw_power_brake_slowdown",
      "sync_boost",
      "sw_thermal_slowdown",
    ] as const
  ).map((name): [string, Field] => [`${prefix}.${name}`, { of: (gpu) => active(reasonsOf(gpu)[name]) }]),
]);

const ecc = (["corrected", "uncorrected"] as const).flatMap((kind) =>
  (["volatile", "aggregate"] as const).flatMap((span): [string, Field][] => {
    const count = (gpu: GpuState) =>
      kind === "corrected" ? 0 : span === "volatile" ? gpu.eccVolatile : gpu.eccAggregate;
    const at = `ecc.errors.${kind}.${span}`;
    return [
      [`${at}.device_memory`, { of: count }],
      [`${at}.dram`, { of: count }],
      [`${at}.register_file`, na],
      [`${at}.l1_cache`, na],
      [`${at}.l2_cache`, na],
      [`${at}.texture_memory`, na],
      [`${at}.cbu`, na],
      [`${at}.sram`, { of: () => 0 }],
      [`${at}.total`, { of: count }],
    ];
  }),
);

/** Both names of the fields that nvidia-smi lets one call by two. */
const both = (names: readonly string[], field: Field): [string, Field][] =>
  names.map((name): [string, Field] => [name, field]);

/** Every field that the simulator can be asked for. */
export const csvFields: ReadonlyMap<string, Field> = new Map<string, Field>([
  ["timestamp", { kept: true, of: (_gpu, { now_ms }) => timestamp(now_ms) }],
  ["driver_version", { kept: true, of: (gpu) => gpu.model.driver }],
  ["count", { kept: true, of: (_gpu, { count }) => count }],
  ...both(["name", "gpu_name"], { kept: true, of: (gpu) => gpu.model.product }),
  ...both(["serial", "gpu_serial"], { kept: true, of: (gpu) => gpu.serial }),
  ...both(["uuid", "gpu_uuid"], { kept: true, of: (gpu) => gpu.uuid }),
  ...both(["pci.bus_id", "gpu_bus_id"], { kept: true, of: (gpu) => gpu.busId }),
  ["pci.domain", { kept: true, of: () => "0x0000" }],
  ["pci.bus", { kept: true, of: (gpu) => `0x${gpu.busId.slice(9, 11)}` }],
  ["pci.device", { kept: true, of: () => "0x00" }],
  ["pci.device_id", { kept: true, of: (gpu) => `0x${gpu.model.pciDeviceId}` }],
  ["pci.sub_device_id", { kept: true, of: (gpu) => `0x${gpu.model.pciSubSystemId}` }],
  ["pcie.link.gen.current", { of: (gpu) => gpu.model.pcieGen }],
  ["pcie.link.gen.gpucurrent", { of: (gpu) => gpu.model.pcieGen }],
  ["pcie.link.gen.max", { of: (gpu) => gpu.model.pcieGen }],
  ["pcie.link.gen.gpumax", { of: (gpu) => gpu.model.pcieGen }],
  ["pcie.link.gen.hostmax", na],
  ["pcie.link.width.current", { of: () => 16 }],
  ["pcie.link.width.max", { of: () => 16 }],
  ["index", { kept: true, of: (gpu) => gpu.index }],
  ["display_mode", deprecated],
  ["display_active", { of: () => "Disabled" }],
  ["persistence_mode", { kept: true, of: () => "Enabled" }],
  ["accounting.mode", { of: () => "Disabled" }],
  ["vbios_version", { kept: true, of: (gpu) => gpu.model.vbios }],
  ["inforom.img", { kept: true, of: (gpu) => gpu.model.inforom }],
  ["gpu_recovery_action", { of: (gpu) => gpu.recovery }],
  ["fan.speed", { ...na, unit: "%" }],
  ["pstate", { of: () => "P0" }],
  ...reasons,
  ["memory.total", { unit: "MiB", of: (gpu) => gpu.model.fbTotalMib }],
  ["memory.reserved", { unit: "MiB", of: () => 512 }],
  ["memory.used", { unit: "MiB", of: (gpu) => gpu.fbUsedMib }],
  ["memory.free", { unit: "MiB", of: (gpu) => gpu.model.fbTotalMib - 512 - gpu.fbUsedMib }],
  ["compute_mode", { of: () => "Default" }],
  ["utilization.gpu", { unit: "%", of: (gpu) => (gpu.mig ? null : gpu.util) }],
  ["utilization.memory", { unit: "%", of: (gpu) => (gpu.mig ? null : gpu.memUtil) }],
  ["utilization.encoder", { unit: "%", of: (gpu) => (gpu.mig ? null : 0) }],
  ["utilization.decoder", { unit: "%", of: (gpu) => (gpu.mig ? null : 0) }],
  ["ecc.mode.current", { of: () => "Enabled" }],
  ["ecc.mode.pending", { of: () => "Enabled" }],
  ...ecc,
  ["ecc.errors.uncorrected.aggregate.sram.thresholdExceeded", { of: () => "No" }],
  ["retired_pages.single_bit_ecc.count", na],
  ["retired_pages.double_bit.count", na],
  ["retired_pages.pending", na],
  ["remapped_rows.correctable", { of: (gpu) => (gpu.mig ? null : 0) }],
  ["remapped_rows.uncorrectable", { of: (gpu) => (gpu.mig ? null : gpu.remapped) }],
  ["remapped_rows.pending", { of: (gpu) => (gpu.mig ? null : yes(gpu.remapPending)) }],
  ["remapped_rows.failure", { of: (gpu) => (gpu.mig ? null : "No") }],
  ["temperature.gpu", { of: (gpu) => gpu.tempC }],
  ["temperature.gpu.tlimit", { of: (gpu) => 87 - gpu.tempC }],
  ["temperature.memory", { of: (gpu) => gpu.memTempC }],
  ["power.management", deprecated],
  ["power.draw", { unit: "W", of: (gpu) => watts(gpu.powerW) }],
  ["power.draw.average", { unit: "W", of: (gpu) => watts(gpu.powerW) }],
  ["power.draw.instant", { unit: "W", of: (gpu) => watts(gpu.powerW) }],
  ["power.limit", { unit: "W", of: (gpu) => watts(gpu.model.powerLimitW) }],
  ["enforced.power.limit", { unit: "W", of: (gpu) => watts(gpu.model.powerLimitW) }],
  ["power.default_limit", { unit: "W", of: (gpu) => watts(gpu.model.powerLimitW) }],
  ["power.min_limit", { unit: "W", of: (gpu) => watts(gpu.model.minPowerLimitW) }],
  ["power.max_limit", { unit: "W", of: (gpu) => watts(gpu.model.powerLimitW) }],
  ...both(["clocks.current.graphics", "clocks.gr"], { unit: "MHz", of: (gpu) => gpu.smClockMhz }),
  ...both(["clocks.current.sm", "clocks.sm"], { unit: "MHz", of: (gpu) => gpu.smClockMhz }),
  ...both(["clocks.current.memory", "clocks.mem"], { unit: "MHz", of: (gpu) => gpu.memClockMhz }),
  ["clocks.max.sm", { unit: "MHz", of: (gpu) => gpu.model.smClockMhz }],
  ["clocks.max.memory", { unit: "MHz", of: (gpu) => gpu.model.memClockMhz }],
  ["mig.mode.current", { kept: true, of: (gpu) => enabled(gpu.mig) }],
  ["mig.mode.pending", { kept: true, of: (gpu) => enabled(gpu.mig) }],
  ["fabric.state", { of: (gpu) => gpu.fabric?.state ?? "N/A" }],
  ["fabric.status", { of: (gpu) => gpu.fabric?.status ?? "N/A" }],
  ["fabric.cliqueId", { of: (gpu) => gpu.fabric?.clique ?? null }],
  ["fabric.clusterUuid", { of: (gpu) => gpu.fabric?.cluster ?? "N/A" }],
  ["platform.chassis_serial_number", { kept: true, of: (gpu) => gpu.place.chassis }],
  ["platform.slot_number", { kept: true, of: (gpu) => gpu.place.slot }],
  ["platform.tray_index", { kept: true, of: (gpu) => gpu.place.tray }],
  ["platform.module_id", { kept: true, of: (gpu) => gpu.moduleId }],
]);

/** The header line of a query. */
export function csvHeader(names: readonly string[], units: boolean): string {
  return names
    .map((name) => {
      const unit = csvFields.get(name)?.unit;
      return units && unit !== undefined ? `${name} [${unit}]` : name;
    })
    .join(", ");
}

/** One GPU's line of a query. */
export function csvRow(
  names: readonly string[],
  units: boolean,
  gpu: GpuState,
  context: { now_ms: number; count: number },
): string {
  return names
    .map((name) => {
      const field = csvFields.get(name)!;
      if (gpu.lost !== null && field.kept !== true) return "[GPU is lost]";
      const value = field.of(gpu, context);
      if (value === null) return "[N/A]";
      return units && field.unit !== undefined ? `${value} ${field.unit}` : String(value);
    })
    .join(", ");
}
