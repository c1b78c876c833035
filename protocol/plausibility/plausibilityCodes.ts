/** What readings can be caught at; docs/health.md says what each means. A code keeps its meaning for good. */
export const plausibilityCodes = [
  // of an inventory
  "MODEL_CONTRADICTION",
  "MEMORY_NOT_OF_MODEL",
  "LINK_NOT_OF_MODEL",
  "CLOCK_NOT_OF_MODEL",
  "POWER_LIMIT_NOT_OF_MODEL",
  "PART_NOT_OF_PROJECT",
  "DRIVER_MALFORMED",
  "DRIVER_NOT_OF_OS",
  "DRIVER_NOT_OF_ARCHITECTURE",
  // of one window, alone or beside the one before it
  "STAT_OUT_OF_ORDER",
  "PRESENT_BEYOND_WINDOW",
  "READINGS_WHILE_ABSENT",
  "BUSY_AT_IDLE_POWER",
  "BUSY_WITHOUT_MEMORY",
  "READINGS_FROZEN",
  "ENERGY_NOT_OF_POWER",
  "POWER_ABOVE_LIMIT",
  "CLOCK_ABOVE_MAX",
  "LINK_ABOVE_MAX",
  "MEMORY_ABOVE_TOTAL",
  "COUNTER_WENT_BACK",
  // of two devices
  "SERIES_IDENTICAL",
] as const;

export type PlausibilityCode = (typeof plausibilityCodes)[number];
