/** What is read of DCGM, by our own names. */
export type DcgmField =
  | "util"
  | "sm_active"
  | "mem_util"
  | "fb_used"
  | "power"
  | "temp"
  | "sm_clock"
  | "pcie_gen"
  | "pcie_width"
  | "energy"
  | "throttle"
  | "pcie_replays"
  | "volatile_sram_correctable"
  | "volatile_sram_uncorrectable"
  | "volatile_dram_correctable"
  | "volatile_dram_uncorrectable"
  | "aggregate_sram_correctable"
  | "aggregate_sram_uncorrectable"
  | "aggregate_dram_correctable"
  | "aggregate_dram_uncorrectable"
  | "sram_exceeded"
  | "remap_correctable"
  | "remap_uncorrectable"
  | "remap_pending"
  | "remap_failure"
  | "recovery_action"
  | "last_xid"
  | "mig_max_slices";

/** Names without `DCGM_FI_`: DCGM 4.6 renamed many fields, and an exporter prints the name that its counters file has. */
const names: Readonly<Record<DcgmField, readonly string[]>> = {
  util: ["DEV_GPU_UTIL", "DEV_GPU_UTIL_RATIO"],
  sm_active: ["PROF_SM_ACTIVE", "PROF_SM_UTIL_RATIO"],
  mem_util: ["DEV_MEM_COPY_UTIL"],
  fb_used: ["DEV_FB_USED"],
  power: ["DEV_POWER_USAGE", "DEV_BOARD_POWER_WATTS"],
  temp: ["DEV_GPU_TEMP", "DEV_GPU_TEMP_CELSIUS"],
  sm_clock: ["DEV_SM_CLOCK"],
  pcie_gen: ["DEV_PCIE_LINK_GEN"],
  pcie_width: ["DEV_PCIE_LINK_WIDTH"],
  energy: ["DEV_TOTAL_ENERGY_CONSUMPTION"],
  throttle: ["DEV_CLOCK_THROTTLE_REASONS", "DEV_CLOCKS_EVENT_REASONS"],
  pcie_replays: ["DEV_PCIE_REPLAY_COUNTER", "DEV_PCIE_REPLAY_TOTAL"],
  volatile_sram_correctable: ["DEV_ECC_SBE_VOL_SRM"],
  volatile_sram_uncorrectable: ["DEV_ECC_DBE_VOL_SRM"],
  volatile_dram_correctable: ["DEV_ECC_SBE_VOL_DEV"],
  volatile_dram_uncorrectable: ["DEV_ECC_DBE_VOL_DEV"],
  aggregate_sram_correctable: ["DEV_ECC_SBE_AGG_SRM"],
  aggregate_sram_uncorrectable: ["DEV_ECC_DBE_AGG_SRM"],
  aggregate_dram_correctable: ["DEV_ECC_SBE_AGG_DEV"],
  aggregate_dram_uncorrectable: ["DEV_ECC_DBE_AGG_DEV"],
  sram_exceeded: ["DEV_THRESHOLD_SRM", "DEV_SRAM_EXCEEDED"],
  remap_correctable: ["DEV_CORRECTABLE_REMAPPED_ROWS", "DEV_ROW_REMAP_CORRECTABLE_TOTAL"],
  remap_uncorrectable: ["DEV_UNCORRECTABLE_REMAPPED_ROWS", "DEV_ROW_REMAP_UNCORRECTABLE_TOTAL"],
  remap_pending: ["DEV_ROW_REMAP_PENDING"],
  remap_failure: ["DEV_ROW_REMAP_FAILURE", "DEV_ROW_REMAP_FAILED"],
  recovery_action: ["DEV_GET_GPU_RECOVERY_ACTION", "DEV_GPU_RECOVERY_ACTION"],
  last_xid: ["DEV_XID_ERRORS", "DEV_XID_ERROR"],
  mig_max_slices: ["DEV_MIG_MAX_SLICES"],
};

/** Which field a metric is, by either of its names. */
export const dcgmFields: ReadonlyMap<string, DcgmField> = new Map(
  Object.entries(names).flatMap(([field, both]) =>
    both.map((name) => [`DCGM_FI_${name}`, field as DcgmField] as const),
  ),
);

/**
 * Said once for a MIG instance as for its GPU, since there is one of it: what an instance has for itself (memory,
 * utilization) must not pass for the GPU's.
 */
export const sharedFields: ReadonlySet<DcgmField> = new Set(
  (Object.keys(names) as DcgmField[]).filter(
    (field) => !["util", "sm_active", "mem_util", "fb_used"].includes(field),
  ),
);
