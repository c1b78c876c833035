/** Bit by bit, NVML's clock event reasons (nvml.h, nvmlClocksEventReason*) under the names that the XML uses. */
const names = [
  "gpu_idle",
  "applications_clocks_setting",
  "sw_power_cap",
  "hw_slowdown",
  "sync_boost",
  "sw_thermal_slowdown",
  "hw_thermal_slowdown",
  "hw_power_brake_slowdown",
  "display_clocks_setting",
];

/** Names of the bits set in `0x…` (sorted; a bit without a name is `bit_<n>`); null when it is no such mask. */
export function throttleReasons(mask: string | undefined): string[] | null {
  const text = mask?.trim() ?? "";
  if (!/^0x[0-9a-fA-F]{1,16}$/.test(text)) return null;
  const bits = BigInt(text);
  if (bits === 0n) return [];
  const found: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((bits >> BigInt(bit)) & 1n) found.push(names[bit] ?? `bit_${bit}`);
  }
  return found.sort().slice(0, 32);
}
