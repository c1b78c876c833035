/** Elements kept from one `<gpu>`, by their path below it. A name alone says nothing: `power_draw` stands in three places. */
export const xmlPaths = {
  name: "product_name",
  brand: "product_brand",
  architecture: "product_architecture",
  persistence: "persistence_mode",
  mig: "mig_mode/current_mig",
  migDevices: "mig_devices",
  serial: "serial",
  uuid: "uuid",
  pdi: "pdi",
  vbios: "vbios_version",
  boardPart: "board_part_number",
  gpuPart: "gpu_part_number",
  chassisSerial: "platformInfo/chassis_serial_number",
  slot: "platformInfo/slot_number",
  tray: "platformInfo/tray_index",
  moduleId: "platformInfo/module_id",
  /** Before R570 the slot stood outside `platformInfo`. */
  moduleIdOld: "gpu_module_id",
  inforom: "inforom_version/img_version",
  recovery: "gpu_recovery_action",
  busId: "pci/pci_bus_id",
  deviceId: "pci/pci_device_id",
  genMax: "pci/pci_gpu_link_info/pcie_gen/max_link_gen",
  gen: "pci/pci_gpu_link_info/pcie_gen/current_link_gen",
  widthMax: "pci/pci_gpu_link_info/link_widths/max_link_width",
  width: "pci/pci_gpu_link_info/link_widths/current_link_width",
  replays: "pci/replay_counter",
  fbTotal: "fb_memory_usage/total",
  fbUsed: "fb_memory_usage/used",
  util: "utilization/gpu_util",
  memUtil: "utilization/memory_util",
  ecc: "ecc_mode/current_ecc",
  sramThreshold: "ecc_errors/aggregate/sram_threshold_exceeded",
  remapped: "remapped_rows",
  remappedCorrectable: "remapped_rows/remapped_row_corr",
  remappedUncorrectable: "remapped_rows/remapped_row_unc",
  remappedPending: "remapped_rows/remapped_row_pending",
  remappedFailure: "remapped_rows/remapped_row_failure",
  temp: "temperature/gpu_temp",
  smClock: "clocks/sm_clock",
  smClockMax: "max_clocks/sm_clock",
  fabricState: "fabric/state",
  fabricStatus: "fabric/status",
  fabricClique: "fabric/cliqueId",
  fabricCluster: "fabric/clusterUuid",
  processes: "processes",
} as const;

/** Kept from each `<mig_device>`, by the path below it. */
export const migPaths = {
  gpuInstance: "gpu_instance_id",
  computeInstance: "compute_instance_id",
  fbTotal: "fb_memory_usage/total",
} as const;

/** Newest driver first: R570+, R535–R565, R530 and before. */
export const powerDrawPaths = [
  "gpu_power_readings/average_power_draw",
  "gpu_power_readings/power_draw",
  "gpu_power_readings/instant_power_draw",
  "power_readings/power_draw",
] as const;

export const powerLimitPaths = [
  "gpu_power_readings/current_power_limit",
  "power_readings/enforced_power_limit",
  "power_readings/power_limit",
] as const;

/** Children of the two spellings of the clock reasons' element, with the prefix that each name bears. */
export const throttleParents: Readonly<Record<string, string>> = {
  clocks_event_reasons: "clocks_event_reason_",
  clocks_throttle_reasons: "clocks_throttle_reason_",
};

const eccUnits = ["device_memory", "register_file", "l1_cache", "l2_cache", "texture_memory", "cbu"] as const;
export const eccOldSramUnits = eccUnits.slice(1);

const eccPaths = ["volatile", "aggregate"].flatMap((kind) => [
  ...[
    "sram_correctable",
    "sram_uncorrectable",
    "sram_uncorrectable_parity",
    "sram_uncorrectable_secded",
    "dram_correctable",
    "dram_uncorrectable",
  ].map((leaf) => `ecc_errors/${kind}/${leaf}`),
  ...["single_bit", "double_bit"].flatMap((bits) =>
    eccUnits.map((unit) => `ecc_errors/${kind}/${bits}/${unit}`),
  ),
]);

export const keptMigPaths: ReadonlySet<string> = new Set(Object.values(migPaths));

export const keptPaths: ReadonlySet<string> = new Set([
  ...Object.values(xmlPaths),
  ...powerDrawPaths,
  ...powerLimitPaths,
  ...eccPaths,
]);
