import type { XidEvents } from "./createXidEvents.js";
import type { Device } from "./device.js";
import type { NvmlXid } from "./messages.js";

/** The Xids told since the last call, by GPU and number; those of a GPU that no index shows are nobody's. */
export function takeXids(events: XidEvents, devices: readonly Device[]): NvmlXid[] {
  const xids: NvmlXid[] = [];
  events.drain((handle, xid) => {
    const uuid = devices.find((device) => device.handle === handle)?.uuid;
    if (uuid === undefined) return;
    const before = xids.find((told) => told.uuid === uuid && told.xid === xid);
    if (before === undefined) xids.push({ uuid, xid, count: 1 });
    else before.count++;
  });
  return xids;
}
