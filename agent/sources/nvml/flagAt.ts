import type { Probe } from "./createProbe.js";

/** nvmlEnableState_t and NVML's own booleans: 1 and 0; any other number says nothing. */
export function flagAt(probe: Probe, offset = 0): boolean | null {
  const value = probe.u32(offset);
  return value === 1 ? true : value === 0 ? false : null;
}
