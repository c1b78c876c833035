import { CaliberError } from "../../../protocol/errors.js";
import { isFault } from "../../window/isFault.js";
import type { GpuSample, SourceClock, SourceListener, TelemetrySource } from "../telemetrySource.js";
import type { FullReading } from "./createFullReading.js";
import { createGpuTable } from "./gpuTable.js";
import { keepStream } from "./keepStream.js";
import type { StreamEnd } from "./openStream.js";
import type { CsvRow } from "./parseCsvRow.js";
import { createRounds } from "./rounds.js";
import type { SmiCommand } from "./runOnce.js";
import { scheduleFull } from "./scheduleFull.js";
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
  /** Starts the children; node's own unless told otherwise. */
  spawn?: SmiCommand["spawn"];
};

/** Intervals without one whole row after which samples say `probe_timeout`. */
const silentIntervals = 3;
/** Full readings that may fail before what the last good one said of health counts no more. */
const staleReadings = 3;
/** Strangers remembered, so that a host that makes up ever new names cannot fill the memory. */
const maxStrangers = 512;

/**
 * Reads GPUs through nvidia-smi: one child for ever at 1 Hz (CSV), one for a moment every 60 s (full XML), and the
 * latter at once when the stream shows a fault, a GPU that comes, or one that goes.
 *
 * Of each of the two kinds there is at most one process at any time, counted until the kernel has reaped it: one that
 * hangs unkillably (state D, inside the driver) is abandoned, told as NVIDIA_SMI_UNKILLABLE, and has no successor before
 * it is gone. So a sick driver holds two processes of ours, never a pile. The stream is not paused for the XML: to end
 * and start it each minute costs a driver initialization (seconds, without persistence mode) and a gap in the samples,
 * and a child that hangs would still have to be waited for.
 *
 * Silence is a reading: after three intervals without a row every known GPU reads `probe_timeout`, or `missing` where
 * the driver itself said that there is no GPU.
 */
export function createNvidiaSmiSource(options: NvidiaSmiOptions): TelemetrySource {
  const { clock, interval_ms = 1000, full_interval_ms = 60_000, timeout_ms = 10_000 } = options;
  const command: SmiCommand = {
    path: options.path,
    env: options.env ?? {},
    ...(options.spawn !== undefined && { spawn: options.spawn }),
  };
  const table = createGpuTable(options.known ?? [], staleReadings * full_interval_ms);
  const rounds = createRounds();
  const last = new Map<string, GpuSample>();
  /** When a GPU that no full reading has shown last called for one. */
  const strangers = new Map<string, number>();

  let listener: SourceListener | undefined;
  let stopped = false;
  let heard_mono_ms = 0;
  let silent = false;
  let toldSilent = false;
  /** The driver answered, and said that there is no GPU. */
  let saidNone = false;
  let watchdog: NodeJS.Timeout | undefined;

  const now = () => ({ now_ms: clock.now_ms(), mono_ms: clock.mono_ms() });

  const full = scheduleFull({
    command,
    table,
    timeout_ms,
    full_interval_ms,
    mono_ms: clock.mono_ms,
    onReading: takeFull,
    onNone: () => {
      saidNone = true;
    },
    onLimit: (uuids) => stream.limitTo(uuids),
    onProblem: tell,
  });
  const stream = keepStream({
    command,
    interval_ms,
    mono_ms: clock.mono_ms,
    random: options.random ?? Math.random,
    onStart: (uuids) => rounds.reset(uuids ?? table.askable()),
    onRow: takeRow,
    onEnd: takeEnd,
    onProblem: tell,
  });

  function tell(error: CaliberError): void {
    if (!stopped) listener?.onProblem(error);
  }

  function emit(samples: readonly GpuSample[]): void {
    if (stopped || samples.length === 0) return;
    let news = false;
    for (const sample of samples) {
      const before = last.get(sample.uuid) ?? null;
      if ((before !== null && before.presence !== sample.presence) || isFault(before, sample)) news = true;
      last.set(sample.uuid, sample);
    }
    listener?.onSamples(samples);
    if (news && !silent) full.want();
  }

  function takeFull({ readings, form }: FullReading, whole: boolean): void {
    if (whole) saidNone = readings.length === 0;
    if (table.apply(readings, { whole, form, mono_ms: clock.mono_ms() })) {
      listener?.onInventory(table.inventory());
    }
    // A process keeps the handles that it opened at its start: a GPU that went and came back is dead to it.
    const dead = [...last.values()].some(
      ({ uuid, presence }) => presence !== "present" && table.answersElsewhere(uuid),
    );
    if (dead && !silent) stream.restart();
  }

  function takeRow(row: CsvRow): void {
    const uuid = table.resolve(row);
    if (uuid === null) {
      meet(row);
      return;
    }
    heard_mono_ms = clock.mono_ms();
    silent = false;
    toldSilent = false;
    saidNone = false;
    stream.wentWell();
    for (const round of rounds.push(uuid, row)) emit(table.samplesOf(round, now()));
  }

  /** A GPU that the table lacks calls for a full reading; one that does not show there either, not again and again. */
  function meet(row: CsvRow): void {
    const name = row.uuid ?? row.bus_id ?? "";
    const at = clock.mono_ms();
    const before = strangers.get(name);
    if (before !== undefined && at - before < full_interval_ms) return;
    if (before === undefined && strangers.size >= maxStrangers) return;
    strangers.set(name, at);
    full.want();
  }

  function takeEnd({ error, output }: StreamEnd, uuids: readonly string[] | null): void {
    // Asked for some of the GPUs, it says so too when it only does not find those.
    if (uuids === null && error.code === "NVIDIA_SMI_NO_DEVICES") saidNone = true;
    tell(error);
    if (table.noteLost(output).length > 0) full.want();
  }

  /** Says so when nothing was heard for too long: silence is a sample like any other. */
  function watch(): void {
    const at = clock.mono_ms();
    const quiet_ms = at - heard_mono_ms;
    if (quiet_ms < silentIntervals * interval_ms) return;
    const opened = stream.opened_mono_ms();
    // A fresh child gets its time: without persistence mode the driver loads first.
    const hangs = opened !== null && at - opened >= timeout_ms;
    if (hangs) saidNone = false;
    silent = true;
    if (!saidNone && !toldSilent) {
      toldSilent = true;
      tell(
        new CaliberError<SmiErrorCode>("NVIDIA_SMI_SILENT", `nvidia-smi printed no row for ${quiet_ms} ms`, {
          disposition: "retryable",
        }),
      );
    }
    emit(saidNone ? table.samplesOf(new Map(), now()) : table.silentSamples(now()));
    if (hangs && quiet_ms >= timeout_ms) stream.restart();
  }

  return {
    name: "nvidia-smi",
    async start(to) {
      listener = to;
      await full.first();
      if (stopped) return;
      heard_mono_ms = clock.mono_ms();
      stream.start();
      watchdog = setInterval(watch, interval_ms);
    },
    async stop() {
      stopped = true;
      full.stop();
      clearInterval(watchdog);
      await stream.stop();
    },
    inventory: table.inventory,
  };
}
