/**
 * What the 1 Hz stream asks for, in column order: readings, and those signs of a fault that cost one NVML call each, so
 * that bad news is seen within a second. R450 to R595 know all but `gpu_recovery_action` (R560 on).
 */
export const fastFields = [
  "uuid",
  "pci.bus_id",
  "mig.mode.current",
  "utilization.gpu",
  "utilization.memory",
  "memory.used",
  "power.draw",
  "temperature.gpu",
  "clocks.current.sm",
  "pcie.link.gen.current",
  "pcie.link.width.current",
  // The older of two spellings: R535 and later still take it.
  "clocks_throttle_reasons.active",
  "ecc.errors.uncorrected.volatile.dram",
  "ecc.errors.uncorrected.volatile.sram",
  "remapped_rows.correctable",
  "remapped_rows.uncorrectable",
  "remapped_rows.pending",
  "remapped_rows.failure",
  "gpu_recovery_action",
] as const;

/** Asked under the second name when the driver refuses the first. */
const renamed: Readonly<Record<string, string>> = {
  "clocks_throttle_reasons.active": "clocks_event_reasons.active",
};

/** For a driver that refuses a field without naming it: what every driver since R418 knows. */
const leastFields: readonly string[] = [
  "uuid",
  "pci.bus_id",
  "utilization.gpu",
  "utilization.memory",
  "memory.used",
  "power.draw",
  "temperature.gpu",
  "clocks.current.sm",
];

/**
 * The fields to ask for after nvidia-smi refused `fields` (exit code 2) with `output`: the one that it names is renamed
 * or left out, else the smallest set. Null when nothing smaller is left.
 */
export function fewerFields(fields: readonly string[], output: string): readonly string[] | null {
  const refused = /Field "([^"\n]{1,128})" is not a valid field to query/.exec(output)?.[1];
  if (refused !== undefined && fields.includes(refused) && refused !== "uuid") {
    const second = renamed[refused];
    return second === undefined
      ? fields.filter((field) => field !== refused)
      : fields.map((field) => (field === refused ? second : field));
  }
  return fields.length > leastFields.length ? leastFields : null;
}
