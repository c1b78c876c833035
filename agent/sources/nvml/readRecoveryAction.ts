import { recoveryActions } from "../recoveryActions.js";
import type { Probe } from "./createProbe.js";

const field = 230;
const integerTypes: ReadonlySet<number> = new Set([1, 2, 3, 4, 5]);

/**
 * What NVIDIA says is to be done (R560+). Where the driver cannot be asked, a GPU that answers a reading with
 * RESET_REQUIRED has said `reset` all the same.
 */
export function readRecoveryAction(probe: Probe, device: bigint): string | null {
  const { view, out } = probe;
  // One nvmlFieldValue_t: id, scope, timestamp, latency, value's type, its return code, value.
  out.fill(0, 0, 40);
  view.setUint32(0, field, true);
  if (
    probe.get("nvmlDeviceGetFieldValues", device, 1, out) &&
    probe.u32(28) === 0 &&
    integerTypes.has(view.getUint32(24, true))
  ) {
    const action = view.getUint32(32, true);
    return recoveryActions[action] ?? `action_${action}`;
  }
  return probe.isResetRequired() ? "reset" : null;
}
