import type { XidEvent, XidSeverity } from "../report/schema.js";
import { xidCatalogue, xidRules } from "./xidCatalogue.js";

export type XidClass = Pick<XidEvent, "resolution" | "severity" | "rules">;

/** The action named last in `GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)`. */
const actionTo = /\bto 0x[0-9a-f]{1,8} \(([^()]{1,40})\)/i;

/** How bad the recovery action is that Xid 154 announces. */
function severityOfAction(detail: string): XidSeverity {
  const action = actionTo.exec(detail)?.[1]?.toLowerCase();
  if (action === "none") return "info";
  // P2P traffic has to stop; the GPU itself goes on. A text that was cut off names no action: worth a look, no more.
  if (action === undefined || action === "drain p2p") return "watch";
  return "impaired";
}

/** NVLink 5 tells in one word whether the link still works: `RLW_REMAP Fatal XC1 i0 Link 10 (0x… 0x…)`. */
const severityOfLink = (detail: string): XidSeverity =>
  /^\S+\s+Fatal\b/i.test(detail) ? "impaired" : "watch";

function severityOf(xid: number | null, detail: string): XidSeverity {
  if (xid === null || /\bGPU has fallen off the bus\b/i.test(detail)) return "lost";
  if (xid === 154) return severityOfAction(detail);
  if (xid >= 144 && xid <= 150) return severityOfLink(detail);
  // An Xid that is not in the catalogue is a newer driver's: nobody knows yet how bad it is.
  return xidCatalogue.get(xid)?.severity ?? "watch";
}

/**
 * What a fault means. `xid` is null for a GPU that fell off the bus without an Xid; `detail` the driver's words, without
 * the process's name (which a tenant chooses). DCGM has no words: then 144 to 150 and 154 are `watch`, and the kernel's
 * log or the recovery action says more.
 */
export function classifyXid(xid: number | null, detail: string | null = null): XidClass {
  return {
    resolution: xid === null ? null : (xidCatalogue.get(xid)?.resolution ?? null),
    severity: severityOf(xid, detail ?? ""),
    rules: xidRules,
  };
}
