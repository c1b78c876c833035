import { throttleReasons } from "../nvidiaSmi/throttleReasons.js";
import type { Probe } from "./createProbe.js";

/** Reasons that lower the clocks now, sorted; drivers before R535 know the function by its older name. */
export function readThrottle(probe: Probe, device: bigint): readonly string[] | null {
  const told =
    probe.get("nvmlDeviceGetCurrentClocksEventReasons", device, probe.out) ||
    probe.get("nvmlDeviceGetCurrentClocksThrottleReasons", device, probe.out);
  return told ? throttleReasons(`0x${probe.view.getBigUint64(0, true).toString(16)}`) : null;
}
