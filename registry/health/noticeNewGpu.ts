import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding } from "./raise.js";

/**
 * Tells when a host shows a GPU that was not among those it enrolled with: its set of UUIDs has changed. Told of the newcomer
 * and of the one that has been there longest, once, with the inventories of both.
 *
 * To be called with a device's first inventory. That a GPU of the set is gone shows as `gpu_missing` or silence of its own.
 */
export function noticeNewGpu(
  fleet: FleetFold,
  fold: DeviceFold,
  shown: { uuid: string; statement: string },
  now_ms: number,
  sink: FoldSink,
): void {
  for (const other of fleet.devices.values()) {
    // Devices stand in order of enrolment, so the first that fits has been there longest.
    if (other.id >= fold.id) return;
    if (other.host !== fold.host || other.enrolment === fold.enrolment || other.inventory === null) continue;
    const text = `host ${fold.host} shows GPU ${shown.uuid} (statement ${shown.statement}), enrolled after GPU ${other.inventory.uuid} (statement ${other.inventory.statement})`;
    const finding = { code: "HOST_GPUS_CHANGED", text, evidence: shown.statement };
    raiseFinding(fleet, fold, finding, now_ms, sink);
    raiseFinding(fleet, other, finding, now_ms, sink);
    return;
  }
}
