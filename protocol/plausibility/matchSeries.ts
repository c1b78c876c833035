/** Windows of one device that another's are compared with: a copy that lags by more is not noticed. */
const maxTold = 8;
/** Different windows in a row that must be another device's before it is more than chance. */
export const minRun = 3;

/** What is remembered of one device's windows: small, bounded, plain data. */
export type SeriesMemory = {
  /** Key and mark (seq, or time) of its latest windows, oldest first; none that another device had told before. */
  told: [key: number, mark: number][];
  /** The device whose windows these have been the same as, how often in a row, and the last one. */
  twin: { device: string; run: number; key: number } | null;
};

/** Key → who told it first, and where. Nothing but what the memories say, turned round. */
export type SeriesIndex = Map<number, { device: string; mark: number }>;

export type SeriesMatch = { device: string; run: number; mark: number };

/** The index that a set of memories amounts to. */
export function indexSeries(
  memories: Iterable<readonly [device: string, memory: SeriesMemory]>,
): SeriesIndex {
  const index: SeriesIndex = new Map();
  for (const [device, { told }] of memories) for (const [key, mark] of told) index.set(key, { device, mark });
  return index;
}

/**
 * Takes one window (seriesKey.ts) into a device's memory and the index of all. Null, or the other device that told the
 * same windows before, once they were the same `minRun` times in a row. A window that merely repeats the last one says
 * nothing new, so a series that stands still matches nobody.
 */
export function matchSeries(
  memory: SeriesMemory,
  index: SeriesIndex,
  device: string,
  key: number,
  mark: number,
): SeriesMatch | null {
  const first = index.get(key);
  if (first === undefined) {
    memory.twin = null;
    memory.told.push([key, mark]);
    index.set(key, { device, mark });
    if (memory.told.length > maxTold) index.delete(memory.told.shift()![0]);
    return null;
  }
  if (first.device === device) return null;
  const { twin } = memory;
  if (twin?.device !== first.device) memory.twin = { device: first.device, run: 1, key };
  else if (twin.key !== key) {
    twin.run += 1;
    twin.key = key;
  }
  const { run } = memory.twin!;
  return run >= minRun ? { device: first.device, run, mark: first.mark } : null;
}
