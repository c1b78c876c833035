import { CaliberError } from "../../../protocol/errors.js";
import { isFault } from "../../window/isFault.js";
import type { GpuSample, SourceClock, SourceListener, TelemetrySource } from "../telemetrySource.js";
import { backoff } from "./backoff.js";
import { fastFields, fewerFields } from "./fastFields.js";
import { fullReading } from "./fullReading.js";
import { createGpuTable } from "./gpuTable.js";
import { openStream, type SmiStream } from "./openStream.js";
import { parseCsvRow } from "./parseCsvRow.js";
import { createRounds } from "./rounds.js";
import type { SmiErrorCode } from "./smiErrors.js";

export type NvidiaSmiOptions = {
  /** The program: a path, or a name looked up in PATH. */
  path: string;
  /** Added to the child's environment, which otherwise is PATH, LD_LIBRARY_PATH and LC_ALL=C alone. */
  env?: Readonly<Record<string, string>>;
  /** UUIDs that this host is known to have: one that does not show is `missing`, also right after a restart. */
  known?: readonly string[];
  interval_ms?: number;
  full_interval_ms?: number;
  timeout_ms?: number;
  clock: SourceClock;
  /** [0, 1): spreads restarts. */
  random?: () => number;
};

/** Pause between full readings that faults call for: a GPU that fails again and again must not keep one running. */
const minFullGap_ms = 2000;
/** Until the next full reading after one that failed or could not ask every GPU. */
const retryFull_ms = 15_000;
/** Intervals without one whole row after which samples say `probe_timeout`. */
const silentIntervals = 3;
/** How long stop() waits for a killed child; one in uninterruptible sleep never goes. */
const stopWait_ms = 1000;

/**
 * Reads GPUs through nvidia-smi: one child for ever at 1 Hz (CSV), one for a moment every 60 s (full XML), and the
 * latter at once when the stream shows a fault, a GPU that comes, or one that goes. Never more than these two, even when
 * one cannot be killed.
 */
export function createNvidiaSmiSource(options: NvidiaSmiOptions): TelemetrySource {
  const { clock, interval_ms = 1000, full_interval_ms = 60_000, timeout_ms = 10_000 } = options;
  const random = options.random ?? Math.random;
  const command = { path: options.path, env: options.env ?? {} };
  const table = createGpuTable(options.known ?? []);
  const rounds = createRounds();
  const stopping = new AbortController();
  const last = new Map<string, GpuSample>();

  let listener: SourceListener | undefined;
  let stream: SmiStream | undefined;
  let fields: readonly string[] = fastFields;
  /** GPUs that the children are limited to while another keeps nvidia-smi from answering for all. */
  let only: readonly string[] | null = null;
  let failures = 0;
  let heard_mono_ms = 0;
  let opened_mono_ms = 0;
  let silent = false;
  let fullAlive = false;
  let fullEnded_mono_ms = Number.NEGATIVE_INFINITY;
  let fullTimer: NodeJS.Timeout | undefined;
  let watchdog: NodeJS.Timeout | undefined;
  let restartTimer: NodeJS.Timeout | undefined;

  const now = () => ({ now_ms: clock.now_ms(), mono_ms: clock.mono_ms() });
  const stopped = () => stopping.signal.aborted;

  function emit(samples: readonly GpuSample[]): void {
    if (stopped() || samples.length === 0) return;
    let news = false;
    for (const sample of samples) {
      const before = last.get(sample.uuid) ?? null;
      if ((before !== null && before.presence !== sample.presence) || isFault(before, sample)) news = true;
      last.set(sample.uuid, sample);
    }
    listener?.onSamples(samples);
    if (news && !silent) wantFull();
  }

  async function readFull(): Promise<void> {
    // The one before may hang unkillably: a second would only hang beside it.
    if (fullAlive || stopped()) return;
    let whole = false;
    try {
      await readAll();
      whole = only === null;
    } catch (error) {
      if (!stopped()) listener?.onProblem(error as CaliberError);
    }
    fullEnded_mono_ms = clock.mono_ms();
    scheduleFull(whole ? full_interval_ms : Math.min(full_interval_ms, retryFull_ms));
  }

  /** All GPUs; when one of them stops nvidia-smi from answering, the others. */
  async function readAll(): Promise<void> {
    try {
      await readSome(null);
      limitTo(null);
    } catch (error) {
      const named = table.noteLost((error as CaliberError).details ?? "");
      const others = table.askable();
      if (named.length === 0 || others.length === 0) throw error;
      listener?.onProblem(error as CaliberError);
      limitTo(others);
      await readSome(others);
    }
  }

  async function readSome(uuids: readonly string[] | null): Promise<void> {
    fullAlive = true;
    const onExit = () => {
      fullAlive = false;
    };
    const readings = await fullReading(command, uuids, { timeout_ms, signal: stopping.signal, onExit });
    if (stopped()) return;
    if (table.apply(readings, uuids === null)) listener?.onInventory(table.inventory());
  }

  function limitTo(uuids: readonly string[] | null): void {
    const same = JSON.stringify(only) === JSON.stringify(uuids);
    only = uuids;
    // Its end starts the next one, with the new set.
    if (!same) stream?.kill();
  }

  function scheduleFull(delay_ms: number): void {
    clearTimeout(fullTimer);
    if (!stopped()) fullTimer = setTimeout(() => void readFull(), delay_ms);
  }

  function wantFull(): void {
    if (fullAlive) return;
    scheduleFull(Math.max(0, fullEnded_mono_ms + minFullGap_ms - clock.mono_ms()));
  }

  function onLine(line: string): void {
    const row = parseCsvRow(line, fields);
    if (row === null || stopped()) return;
    const uuid = table.resolve(row);
    if (uuid === null) {
      wantFull();
      return;
    }
    heard_mono_ms = clock.mono_ms();
    silent = false;
    failures = 0;
    for (const round of rounds.push(uuid, row)) emit(table.samplesOf(round, now()));
  }

  function startStream(): void {
    if (stopped()) return;
    rounds.reset(only ?? table.askable());
    const limited = only;
    opened_mono_ms = clock.mono_ms();
    stream = openStream(command, fields, only, interval_ms, onLine);
    void stream.ended.then(({ error, code, output }) => {
      stream = undefined;
      if (stopped()) return;
      if (limited !== only) return startStream();
      const fewer = code === 2 ? fewerFields(fields, output) : null;
      if (fewer !== null) {
        fields = fewer;
        return startStream();
      }
      listener?.onProblem(error);
      if (table.noteLost(output).length > 0) wantFull();
      restartTimer = setTimeout(startStream, backoff(failures++, random));
    });
  }

  /** Says so when nothing was heard for too long: silence is a sample like any other. */
  function watch(): void {
    const quiet_ms = clock.mono_ms() - heard_mono_ms;
    if (quiet_ms < silentIntervals * interval_ms) return;
    if (!silent) {
      silent = true;
      listener?.onProblem(
        new CaliberError<SmiErrorCode>("NVIDIA_SMI_SILENT", `nvidia-smi printed no row for ${quiet_ms} ms`, {
          disposition: "retryable",
        }),
      );
    }
    emit(table.silentSamples(now()));
    // A fresh child gets its time as well: without persistence mode the driver loads first.
    if (Math.min(quiet_ms, clock.mono_ms() - opened_mono_ms) >= timeout_ms) stream?.kill();
  }

  return {
    name: "nvidia-smi",
    async start(to) {
      listener = to;
      await readFull();
      if (stopped()) return;
      heard_mono_ms = clock.mono_ms();
      startStream();
      watchdog = setInterval(watch, interval_ms);
    },
    async stop() {
      stopping.abort();
      clearTimeout(fullTimer);
      clearTimeout(restartTimer);
      clearInterval(watchdog);
      const running = stream;
      running?.kill();
      if (running === undefined) return;
      let waiting: NodeJS.Timeout | undefined;
      const enough = new Promise((resolve) => {
        waiting = setTimeout(resolve, stopWait_ms);
      });
      await Promise.race([running.ended, enough]);
      clearTimeout(waiting);
    },
    inventory: table.inventory,
  };
}
