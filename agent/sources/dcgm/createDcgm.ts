import type { CaliberError } from "../../../protocol/errors.js";
import { classifyXid } from "../../../protocol/xid/classifyXid.js";
import type { Supplement, SupplementListener, SuppliedReading } from "../supplement.js";
import type { SourceClock } from "../telemetrySource.js";
import { createStaleness } from "./createStaleness.js";
import { createXidEdges } from "./createXidEdges.js";
import { dcgmError } from "./dcgmErrors.js";
import { dcgmFields } from "./dcgmFields.js";
import { fetchMetrics } from "./fetchMetrics.js";
import { gpusOf } from "./gpusOf.js";
import { parsePrometheusText } from "./parsePrometheusText.js";
import { valuesOf } from "./valuesOf.js";

export const dcgmDefaultUrl = "http://127.0.0.1:9400/metrics";

export type DcgmOptions = {
  url?: string;
  clock: SourceClock;
  interval_ms?: number;
  timeout_ms?: number;
};

/** Scrapes for which a value stands in: two lost ones leave no hole. */
const heldScrapes = 3;
/** A problem that goes on is told again after this time. */
const tellAgain_ms = 3_600_000;
const maxTold = 1024;

/** Reads dcgm-exporter's /metrics every `interval_ms` (15 s). */
export function createDcgm(options: DcgmOptions): Supplement {
  const { url = dcgmDefaultUrl, clock, interval_ms = 15_000, timeout_ms = 5000 } = options;
  const stopping = new AbortController();
  const newXids = createXidEdges();
  const isStale = createStaleness();
  const told = new Map<string, number>();
  let listener: SupplementListener | undefined;
  let timer: NodeJS.Timeout | undefined;
  let scraping: Promise<void> | undefined;

  /** Each problem once in a while, although every scrape finds it again. */
  function tell(key: string, error: CaliberError): void {
    const now = clock.mono_ms();
    const last = told.get(key);
    if (last !== undefined && now - last < tellAgain_ms) return;
    if (told.size >= maxTold) told.clear();
    told.set(key, now);
    listener?.onProblem(error);
  }

  function take(text: string): void {
    const now_ms = clock.now_ms();
    const mono_ms = clock.mono_ms();
    const { samples, badLines, firstBad } = parsePrometheusText(text, (name) => dcgmFields.has(name));
    if (badLines > 0) {
      const message = `${badLines} lines of the exporter's answer are malformed, the first is line ${firstBad}`;
      tell("DCGM_TEXT_MALFORMED", dcgmError("DCGM_TEXT_MALFORMED", message));
    }
    const gpus = gpusOf(samples, now_ms - heldScrapes * interval_ms);
    if (gpus.length === 0) {
      tell(
        "DCGM_NO_GPUS",
        dcgmError("DCGM_NO_GPUS", "the exporter names no GPU: its counters file lacks ours"),
      );
    }
    const readings: SuppliedReading[] = [];
    for (const gpu of gpus) {
      const key = gpu.gpu.uuid ?? gpu.gpu.bus_id ?? "";
      for (const xid of newXids(key, gpu)) {
        const times = { first_ms: now_ms, last_ms: now_ms, count: 1 };
        listener?.onXid(gpu.gpu, { xid, ...times, source: "dcgm", detail: null, ...classifyXid(xid) });
      }
      if (isStale(key, gpu.fields.get("energy"), mono_ms)) {
        const message = `the exporter repeats old values of ${key}: its energy counter stands still`;
        tell(`DCGM_STALE ${key}`, dcgmError("DCGM_STALE", message));
        continue;
      }
      const { values, problems } = valuesOf(gpu);
      for (const problem of problems) tell(`${problem.code} ${key}`, problem);
      readings.push({ gpu: gpu.gpu, until_mono_ms: mono_ms + heldScrapes * interval_ms, values });
    }
    listener?.onReadings(readings);
  }

  async function scrape(): Promise<void> {
    try {
      const text = await fetchMetrics(url, timeout_ms, stopping.signal);
      if (stopping.signal.aborted) return;
      // Reachable again: the next outage is news.
      for (const code of ["DCGM_UNREACHABLE", "DCGM_TIMEOUT", "DCGM_HTTP_STATUS", "DCGM_TOO_LARGE"])
        told.delete(code);
      take(text);
    } catch (cause) {
      if (stopping.signal.aborted) return;
      const { code } = cause as CaliberError;
      const known = typeof code === "string" && code.startsWith("DCGM_");
      const error = known ? (cause as CaliberError) : dcgmError("DCGM_FAILED", "a scrape failed", { cause });
      tell(error.code, error);
    }
    if (!stopping.signal.aborted) {
      timer = setTimeout(() => {
        scraping = scrape();
      }, interval_ms);
    }
  }

  return {
    name: "dcgm",
    async start(to) {
      listener = to;
      scraping = scrape();
      await scraping;
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await scraping;
    },
  };
}
