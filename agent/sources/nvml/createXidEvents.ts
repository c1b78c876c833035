import type { Probe } from "./createProbe.js";

/** nvmlEventTypeXidCriticalError. */
const critical = 8n;
/** NVML's number for an Xid that it does not know: says nothing. */
const unknown = 999;
/** A storm must not keep the thread from reading; what is left comes in the next round. */
const most = 256;

export type XidEvents = {
  register(device: bigint): void;
  /** Calls back for each Xid told since the last call; never waits for one. */
  drain(each: (device: bigint, xid: number) => void): void;
  free(): void;
};

/** The driver's own events; null where it has none for us (a container without them, an old driver). */
export function createXidEvents(probe: Probe): XidEvents | null {
  if (!probe.get("nvmlEventSetCreate", probe.out)) return null;
  const set = probe.view.getBigUint64(0, true);
  return {
    register(device) {
      // A GPU that gives no events is read all the same.
      probe.get("nvmlDeviceRegisterEvents", device, critical, set);
    },
    drain(each) {
      for (let n = 0; n < most && probe.get("nvmlEventSetWait_v2", set, probe.out, 0); n++) {
        // nvmlEventData_t: device, type, Xid.
        const xid = probe.u64(16);
        if (probe.view.getBigUint64(8, true) !== critical || xid === null || xid === unknown || xid > 65_535)
          continue;
        each(probe.view.getBigUint64(0, true), xid);
      }
    },
    free() {
      probe.get("nvmlEventSetFree", set);
    },
  };
}
