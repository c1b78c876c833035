import {
  createSeriesMemory,
  markOf,
  matchSeries,
  type SeriesIndex,
  type SeriesMemory,
} from "../../protocol/plausibility/matchSeries.js";
import { seriesKey } from "../../protocol/plausibility/seriesKey.js";
import type { Implausibility, TelemetryBody } from "../../protocol/report/schema.js";

/** Holds the windows of one host's GPUs against each other. */
export type SeriesWatch = {
  /** Null, or the finding that another GPU of this host told this window and those before it first. */
  judge(uuid: string, body: TelemetryBody, end_ms: number): Implausibility | null;
};

/** Remembers the last windows of each GPU that it is shown, and no more. */
export function createSeriesWatch(): SeriesWatch {
  const memories = new Map<string, SeriesMemory>();
  const index: SeriesIndex = new Map();
  return {
    judge(uuid, body, end_ms) {
      const key = seriesKey(body);
      if (key === null) return null;
      const memory = memories.get(uuid) ?? createSeriesMemory();
      memories.set(uuid, memory);
      const match = matchSeries(memory, index, uuid, key, end_ms);
      if (match === null) return null;
      const mark = markOf(memories.get(match.device)!, key);
      const evidence = `the last ${match.run} windows are those of ${match.device}, up to the one of its that ended at ${mark} ms`;
      return { code: "SERIES_IDENTICAL", evidence: evidence.slice(0, 200) };
    },
  };
}
