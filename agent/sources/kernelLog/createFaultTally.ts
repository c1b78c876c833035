import type { XidEvent } from "../../../protocol/report/schema.js";
import { classifyXid } from "../../../protocol/xid/classifyXid.js";
import type { GpuName } from "../supplement.js";
import type { Fault } from "./createFaultReader.js";

/** Kinds of fault counted at once. One storm of 800,000 lines that was seen had 29. */
const maxKinds = 512;
/** An Xid 79 and the driver's plain words for the same fall come within this time of each other. */
const sameFall_ms = 60_000;

type Tally = { gpu: GpuName; event: XidEvent };
const worse = { info: 0, watch: 1, impaired: 2, lost: 3 } as const;
const keyOf = ({ uuid, bus_id }: GpuName) => bus_id ?? uuid ?? "";

/**
 * Counts tellings by GPU, Xid and severity, so that a storm is one event. The severity is part of the kind since 154 and
 * 144 to 150 mean different things by their words. A fall off the bus that an Xid 79 has told is not told again.
 */
export function createFaultTally() {
  let kinds = new Map<string, Tally>();
  const fallen = new Map<string, number>();

  return {
    add({ gpu, xid, detail }: Fault, at_ms: number): void {
      const key = keyOf(gpu);
      if (xid === 79) {
        if (fallen.size >= maxKinds) fallen.clear();
        fallen.set(key, at_ms);
      }
      if (xid === null && Math.abs(at_ms - (fallen.get(key) ?? Number.NEGATIVE_INFINITY)) < sameFall_ms)
        return;
      const found = classifyXid(xid, detail);
      const kind = `${key}/${xid}/${found.severity}`;
      const before = kinds.get(kind);
      if (before !== undefined) {
        before.event.count++;
        before.event.first_ms = Math.min(before.event.first_ms, at_ms);
        before.event.last_ms = Math.max(before.event.last_ms, at_ms);
      } else if (kinds.size < maxKinds) {
        const event: XidEvent = {
          xid,
          first_ms: at_ms,
          last_ms: at_ms,
          count: 1,
          source: "kernel-log",
          detail,
          ...found,
        };
        kinds.set(kind, { gpu, event });
      }
    },
    /** What was counted since the last call, the worst first. */
    take(): Tally[] {
      if (kinds.size === 0) return [];
      const told = [...kinds.values()];
      kinds = new Map();
      return told.sort((a, b) => worse[b.event.severity] - worse[a.event.severity]);
    },
  };
}
