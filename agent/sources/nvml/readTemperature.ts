import type { Probe } from "./createProbe.js";

/** Temperature of the GPU's die in thousandths of a degree; newer drivers deprecate the older function. */
export function readTemperature(probe: Probe, device: bigint): number | null {
  const celsius = probe.number("nvmlDeviceGetTemperature", device, 0);
  if (celsius !== null) return celsius <= 1000 ? celsius * 1000 : null;
  // nvmlTemperature_v1_t: version, sensor (0: the die), a signed number.
  if (!probe.struct("nvmlDeviceGetTemperatureV", device, 12, 1)) return null;
  const signed = probe.view.getInt32(8, true);
  return signed >= -273 && signed <= 1000 ? signed * 1000 : null;
}
