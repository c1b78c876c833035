import { CaliberError } from "../../../protocol/errors.js";
import type { XidEvent } from "../../../protocol/report/schema.js";
import { classifyXid } from "../../../protocol/xid/classifyXid.js";
import { isFault } from "../../window/isFault.js";
import { backoff } from "../nvidiaSmi/backoff.js";
import type { GpuSample, SourceClock, SourceListener, TelemetrySource } from "../telemetrySource.js";
import { createGpuTable } from "./gpuTable.js";
import type { NvmlAnswer, NvmlXid } from "./messages.js";
import { errorOf, type NvmlErrorCode } from "./nvmlErrors.js";
import { type NvmlThread, startThread } from "./startThread.js";

export type NvmlOptions = {
  /** Path of the library, or a name that the dynamic linker looks up. */
  library?: string;
  /** UUIDs that this host is known to have: one that does not show is `missing`, also right after a restart. */
  known?: readonly string[];
  interval_ms?: number;
  full_interval_ms?: number;
  /** How long start() waits for the first reading. */
  timeout_ms?: number;
  /** Whether samples carry the critical Xids that NVML tells; not needed where the kernel's log is read. */
  xid_events?: boolean;
  clock: SourceClock;
  /** [0, 1): spreads restarts. */
  random?: () => number;
};

export const nvmlLibrary = "libnvidia-ml.so.1";
/** Pause between full readings that faults call for. */
const minFullGap_ms = 2000;
/** Intervals without an answer after which samples say `probe_timeout`. */
const silentIntervals = 3;
/**
 * NVML lists GPUs only when it is opened, which costs seconds without persistence mode: less and less often, from a
 * quarter of the full interval up to this many of them.
 */
const reopenMost = 15;

/**
 * Reads GPUs through NVML, on a thread of its own: a call that never returns stops the readings (`probe_timeout`) and
 * nothing else. One question is out at a time, so that a slow driver is asked less often, and there is never a second
 * thread beside one that hangs. NVML stays open; it is opened anew after it broke, and now and then while a GPU is gone.
 */
export function createNvmlSource(options: NvmlOptions): TelemetrySource {
  const { clock, interval_ms = 1000, full_interval_ms = 60_000, timeout_ms = 10_000 } = options;
  const { known = [], library = nvmlLibrary, xid_events = true, random = Math.random } = options;
  const reopenFirst_ms = full_interval_ms / 4;
  const table = createGpuTable(known);
  const last = new Map<string, GpuSample>();

  let listener: SourceListener | undefined;
  let thread: NvmlThread | undefined;
  let stopped = false;
  /** When the question now out was asked; null when none is. */
  let asked_mono_ms: number | null = null;
  let heard_mono_ms = 0;
  let silent = false;
  let fullDue_mono_ms = 0;
  let fullEnded_mono_ms = Number.NEGATIVE_INFINITY;
  let reopen_ms = reopenFirst_ms;
  let reopenDue_mono_ms = Number.POSITIVE_INFINITY;
  let failures = 0;
  let retryDue_mono_ms = 0;
  /** Problems that the answer before had: one that goes on is not told again. */
  let told: ReadonlySet<string> = new Set();
  let ticker: NodeJS.Timeout | undefined;
  let onFirst: (() => void) | undefined;

  const now = () => ({ now_ms: clock.now_ms(), mono_ms: clock.mono_ms() });

  function tell(errors: readonly CaliberError[]): void {
    const keys = errors.map((error) => `${error.code} ${error.details ?? ""}`);
    errors.forEach((error, n) => {
      if (!told.has(keys[n]!)) listener?.onProblem(error);
    });
    told = new Set(keys);
  }

  function emit(samples: readonly GpuSample[]): void {
    if (samples.length === 0) return;
    let news = false;
    for (const sample of samples) {
      const before = last.get(sample.uuid) ?? null;
      if ((before !== null && before.presence !== sample.presence) || isFault(before, sample)) news = true;
      last.set(sample.uuid, sample);
    }
    listener?.onSamples(samples);
    if (news && !silent) fullDue_mono_ms = Math.min(fullDue_mono_ms, fullEnded_mono_ms + minFullGap_ms);
  }

  function ask(): void {
    const mono_ms = clock.mono_ms();
    if (mono_ms < retryDue_mono_ms) return;
    thread ??= startThread({ library, known, xid_events }, { onAnswer, onEnd });
    const reopen = mono_ms >= reopenDue_mono_ms;
    if (reopen) {
      reopen_ms = Math.min(2 * reopen_ms, reopenMost * full_interval_ms);
      reopenDue_mono_ms = mono_ms + reopen_ms;
    }
    asked_mono_ms = mono_ms;
    thread.ask({ ask: "round", full: reopen || mono_ms >= fullDue_mono_ms, reopen });
  }

  function onAnswer(answer: NvmlAnswer): void {
    if (stopped) return;
    asked_mono_ms = null;
    if (answer.ok) onRound(answer);
    else onFailure(errorOf(answer.error));
    onFirst?.();
  }

  function onRound({ rows, full, xids, problems }: NvmlAnswer & { ok: true }): void {
    const at = now();
    heard_mono_ms = at.mono_ms;
    silent = false;
    failures = 0;
    tell(problems.map(errorOf));
    if (full !== null) {
      fullEnded_mono_ms = at.mono_ms;
      fullDue_mono_ms = at.mono_ms + full_interval_ms;
      if (table.apply(full)) listener?.onInventory(table.inventory());
    }
    const samples = table.samplesOf(rows, at).map((sample) => ({ ...sample, xids: xidsOf(xids, sample) }));
    if (samples.every(({ presence }) => presence === "present")) {
      reopen_ms = reopenFirst_ms;
      reopenDue_mono_ms = Number.POSITIVE_INFINITY;
    } else if (reopenDue_mono_ms === Number.POSITIVE_INFINITY) {
      reopenDue_mono_ms = at.mono_ms + reopen_ms;
    }
    emit(samples);
    if (clock.mono_ms() >= fullDue_mono_ms) ask();
  }

  function onFailure(error: CaliberError): void {
    // The first time at the next interval: a driver that was loaded anew answers at once.
    retryDue_mono_ms = clock.mono_ms() + (failures === 0 ? 0 : backoff(failures - 1, random));
    failures++;
    // What a driver says after it was loaded anew must not wait for the minute to end.
    fullDue_mono_ms = 0;
    tell([error]);
  }

  function onEnd(error: CaliberError): void {
    thread = undefined;
    asked_mono_ms = null;
    onFailure(error);
    onFirst?.();
  }

  function tick(): void {
    const at = now();
    const quiet_ms = at.mono_ms - heard_mono_ms;
    if (quiet_ms >= silentIntervals * interval_ms) {
      if (!silent && asked_mono_ms !== null) {
        listener?.onProblem(
          new CaliberError<NvmlErrorCode>("NVML_SILENT", `NVML has not answered for ${quiet_ms} ms`, {
            disposition: "retryable",
          }),
        );
      }
      silent = true;
      emit(table.silentSamples(at));
    }
    if (asked_mono_ms === null) ask();
  }

  return {
    name: "nvml",
    async start(to) {
      listener = to;
      heard_mono_ms = clock.mono_ms();
      let waiting: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        onFirst = resolve;
        waiting = setTimeout(resolve, timeout_ms);
        ask();
      });
      clearTimeout(waiting);
      onFirst = undefined;
      if (!stopped) ticker = setInterval(tick, interval_ms);
    },
    async stop() {
      stopped = true;
      clearInterval(ticker);
      onFirst?.();
      await thread?.stop();
    },
    inventory: table.inventory,
  };
}

function xidsOf(xids: readonly NvmlXid[], { uuid, at_ms }: GpuSample): XidEvent[] {
  return xids
    .filter((told) => told.uuid === uuid)
    .map(({ xid, count }) => ({
      xid,
      first_ms: at_ms,
      last_ms: at_ms,
      count,
      source: "nvml",
      detail: null,
      ...classifyXid(xid),
    }));
}
