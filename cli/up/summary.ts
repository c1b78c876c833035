import type { Snapshot } from "./display.js";

/** The fleet in one line. */
export function summary({ devices, log_size }: Snapshot): string {
  const states = new Map<string, number>();
  for (const { derived } of devices) states.set(derived.state, (states.get(derived.state) ?? 0) + 1);
  const tokens = devices.filter(({ token }) => token !== null).length;
  const simulated = devices.some((device) => device.simulated) ? " (simulated)" : "";
  const told = [...states].map(([state, count]) => `${count} ${state}`).join(", ");
  return `${devices.length} devices${simulated}, ${tokens} tokens, ${log_size} log entries: ${told || "waiting for the first reports"}`;
}
