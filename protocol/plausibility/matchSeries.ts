/** Windows of one device that another's are compared with: a copy that lags by more is not noticed. */
const maxKeys = 4;
/** Different windows in a row that must be another device's before it is more than chance. */
export const minRun = 3;

/** What is remembered of one device's windows: small, bounded, plain data. */
export type SeriesMemory = {
  /** Keys of its latest windows (seriesKey.ts), oldest first; none that another device had told before. */
  keys: number[];
  /** Where each of them was told: a seq, or a time. */
  marks: number[];
  /** The device whose windows these have been the same as, how often in a row, and the last one. */
  twin: { device: string; run: number; key: number } | null;
};

/** Key → the device that told it first. Nothing but what the memories say, turned round. */
export type SeriesIndex = Map<number, string>;

export type SeriesMatch = { device: string; run: number };

export function createSeriesMemory(): SeriesMemory {
  return { keys: [], marks: [], twin: null };
}

/** The index that a set of memories amounts to. */
export function indexSeries(
  memories: Iterable<readonly [device: string, memory: SeriesMemory]>,
): SeriesIndex {
  const index: SeriesIndex = new Map();
  for (const [device, { keys }] of memories) for (const key of keys) index.set(key, device);
  return index;
}

/**
 * Takes one window into a device's memory and the index of all. Null, or the other device that told the same windows
 * before, once they were the same `minRun` times in a row. A window that merely repeats the last one says nothing new,
 * so a series that stands still matches nobody.
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
    memory.keys.push(key);
    memory.marks.push(mark);
    index.set(key, device);
    if (memory.keys.length > maxKeys) {
      index.delete(memory.keys.shift()!);
      memory.marks.shift();
    }
    return null;
  }
  if (first === device) return null;
  if (memory.twin?.device !== first) memory.twin = { device: first, run: 1, key };
  else if (memory.twin.key !== key) {
    memory.twin.run += 1;
    memory.twin.key = key;
  }
  const { run } = memory.twin;
  return run >= minRun ? { device: first, run } : null;
}

/** Where a device told a window that it still remembers; null for another. */
export function markOf({ keys, marks }: SeriesMemory, key: number): number | null {
  return marks[keys.indexOf(key)] ?? null;
}
