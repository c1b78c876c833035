import type { Dropped } from "../spool/spool.js";
import type { Device } from "./coreDevice.js";

/** Two runs of reports that went, told as one. */
export function joinDropped(a: Dropped | null, b: Dropped): Dropped {
  if (a === null) return b;
  return {
    device: b.device,
    from_seq: Math.min(a.from_seq, b.from_seq),
    to_seq: Math.max(a.to_seq, b.to_seq),
    from_ms: Math.min(a.from_ms, b.from_ms),
    to_ms: Math.max(a.to_ms, b.to_ms),
  };
}

/** Signs the gap that says what went. @returns false when the chain is not open yet. */
export function tellDropped({ monitor }: Device, { from_seq, to_seq, from_ms, to_ms }: Dropped): boolean {
  return monitor.point({
    kind: "gap",
    body: {
      reason: "spool_overflow",
      from_ms,
      to_ms,
      dropped: { from_seq, to_seq },
      local_head_seq: null,
      note: null,
    },
  });
}
