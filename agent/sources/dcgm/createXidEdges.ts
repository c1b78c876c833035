import type { DcgmGpu } from "./gpusOf.js";

const maxGpus = 512;

/**
 * Tells which Xids are new. DCGM shows a GPU's last one until the exporter restarts, so only a change is news: what is
 * there when a GPU is first seen was there before, and a series that is away for a while and comes back the same told
 * nothing. One that says 0 was begun anew, so the Xid after it is news. The same Xid again cannot be seen here; the
 * kernel's log counts.
 */
export function createXidEdges(): (key: string, gpu: DcgmGpu) => number[] {
  const shown = new Map<string, ReadonlySet<number>>();
  return (key, { lastXids }) => {
    const before = shown.get(key);
    if (before === undefined && shown.size >= maxGpus) return [];
    if (before === undefined || lastXids !== null) shown.set(key, lastXids ?? new Set());
    return before === undefined || lastXids === null ? [] : [...lastXids].filter((xid) => !before.has(xid));
  };
}
