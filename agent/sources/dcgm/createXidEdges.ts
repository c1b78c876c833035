import type { DcgmGpu } from "./gpusOf.js";

const maxGpus = 512;

/**
 * Tells which Xids are new. DCGM shows a GPU's last one until the exporter restarts, so only a change is news: what is
 * there when a GPU is first seen was there before, and a series that is away for a while and comes back the same told
 * nothing. The same Xid again cannot be seen here; the kernel's log counts.
 */
export function createXidEdges(): (key: string, gpu: DcgmGpu) => number[] {
  const shown = new Map<string, ReadonlySet<number>>();
  return (key, { lastXids }) => {
    const before = shown.get(key);
    if (before === undefined && shown.size >= maxGpus) return [];
    if (before === undefined || lastXids.size > 0) shown.set(key, lastXids);
    return before === undefined ? [] : [...lastXids].filter((xid) => !before.has(xid));
  };
}
