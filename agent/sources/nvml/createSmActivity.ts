import type { Probe } from "./createProbe.js";

/** nvmlGpmMetricsGet_t with room for as many metrics as the newest header knows, though one is asked for. */
const metricsBytes = 24 + 333 * 40;
const smUtil = 2;

export type SmActivity = {
  /** Activity since the call before, in permille; null at the first call and wherever the GPU gives none. */
  read(): number | null;
  free(): void;
};

/**
 * SM activity by GPM (Hopper and later): the GPU counts, and two samples of its counters give the mean between them.
 * Null for a GPU, driver or permission that has none.
 */
export function createSmActivity(probe: Probe, device: bigint): SmActivity | null {
  const { view, out } = probe;
  // nvmlGpmSupport_t has a plain version number: version, is supported.
  view.setUint32(0, 1, true);
  view.setUint32(4, 0, true);
  if (!probe.get("nvmlGpmQueryDeviceSupport", device, out) || probe.u32(4) !== 1) return null;
  const first = allocate(probe);
  const second = first === null ? null : allocate(probe);
  if (first === null || second === null) {
    if (first !== null) probe.get("nvmlGpmSampleFree", first);
    return null;
  }
  let current = first;
  let previous = second;
  let primed = false;

  return {
    read() {
      [previous, current] = [current, previous];
      const both = primed;
      primed = probe.get("nvmlGpmSampleGet", device, current);
      if (!both || !primed) return null;
      out.fill(0, 0, metricsBytes);
      view.setUint32(0, 1, true);
      view.setUint32(4, 1, true);
      view.setBigUint64(8, previous, true);
      view.setBigUint64(16, current, true);
      view.setUint32(24, smUtil, true);
      if (!probe.get("nvmlGpmMetricsGet", out) || view.getUint32(28, true) !== 0) return null;
      const permille = Math.round(view.getFloat64(32, true) * 10);
      return permille >= 0 && permille <= 1000 ? permille : null;
    },
    free() {
      probe.get("nvmlGpmSampleFree", first);
      probe.get("nvmlGpmSampleFree", second);
    },
  };
}

function allocate(probe: Probe): bigint | null {
  return probe.get("nvmlGpmSampleAlloc", probe.out) ? probe.view.getBigUint64(0, true) : null;
}
