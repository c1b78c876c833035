import { CaliberError } from "../../../protocol/errors.js";
import { backoff } from "./backoff.js";
import { fastFields, fewerFields } from "./fastFields.js";
import { openStream, type SmiStream, type StreamEnd } from "./openStream.js";
import { type CsvRow, parseCsvRow } from "./parseCsvRow.js";
import type { SmiCommand } from "./runOnce.js";
import type { SmiErrorCode } from "./smiErrors.js";

/** How long a killed child may take to go; after that its fate is told as a problem. */
const reapWait_ms = 1000;

export type KeptStream = {
  start(): void;
  /** Asks for these GPUs only, or for all (null). */
  limitTo(uuids: readonly string[] | null): void;
  /** Starts a new child once this one is gone. */
  restart(): void;
  /** A row came that told something: the next failure waits no longer than the first. */
  wentWell(): void;
  /** Since when the present child has been running; null while there is none. */
  opened_mono_ms(): number | null;
  /** Kills the child and waits a little for it; one that cannot be killed is left behind. */
  stop(): Promise<void>;
};

/**
 * Keeps one child printing rows for ever: a new one is started when the old one has been reaped and never before, after a
 * growing pause, with the fields that the driver knows.
 */
export function keepStream(of: {
  command: SmiCommand;
  interval_ms: number;
  mono_ms: () => number;
  random: () => number;
  /** A child is about to be started for these GPUs. */
  onStart(uuids: readonly string[] | null): void;
  onRow(row: CsvRow): void;
  /** It ended although nobody wanted that. */
  onEnd(end: StreamEnd, uuids: readonly string[] | null): void;
  onProblem(error: CaliberError): void;
}): KeptStream {
  let stream: SmiStream | undefined;
  let fields: readonly string[] = fastFields;
  let only: readonly string[] | null = null;
  let failures = 0;
  let opened_mono_ms = 0;
  /** True when the end of the present child is wanted, and the next may follow at once. */
  let wanted = false;
  let stopped = false;
  let restartTimer: NodeJS.Timeout | undefined;
  let reapTimer: NodeJS.Timeout | undefined;

  function start(): void {
    if (stopped) return;
    const asked = only;
    of.onStart(asked);
    opened_mono_ms = of.mono_ms();
    wanted = false;
    stream = openStream(of.command, fields, asked, of.interval_ms, (line) => {
      const row = parseCsvRow(line, fields);
      if (row !== null && !stopped) of.onRow(row);
    });
    void stream.ended.then((end) => {
      stream = undefined;
      clearTimeout(reapTimer);
      reapTimer = undefined;
      if (stopped) return;
      const fewer = end.code === 2 ? fewerFields(fields, end.output) : null;
      if (fewer !== null) fields = fewer;
      if (wanted || fewer !== null) return start();
      of.onEnd(end, asked);
      restartTimer = setTimeout(start, backoff(failures++, of.random));
    });
  }

  function kill(): void {
    stream?.kill();
    if (stream === undefined || reapTimer !== undefined) return;
    reapTimer = setTimeout(() => {
      of.onProblem(
        new CaliberError<SmiErrorCode>(
          "NVIDIA_SMI_UNKILLABLE",
          "the nvidia-smi that prints every second cannot be killed: no other is started until it is gone",
          { disposition: "retryable" },
        ),
      );
    }, reapWait_ms);
  }

  return {
    start,
    limitTo(uuids) {
      const same = JSON.stringify(only) === JSON.stringify(uuids);
      only = uuids;
      if (same) return;
      wanted = true;
      kill();
    },
    restart() {
      wanted = true;
      kill();
    },
    wentWell() {
      failures = 0;
    },
    opened_mono_ms: () => (stream === undefined ? null : opened_mono_ms),
    async stop() {
      stopped = true;
      clearTimeout(restartTimer);
      kill();
      clearTimeout(reapTimer);
      const running = stream;
      if (running === undefined) return;
      let waiting: NodeJS.Timeout | undefined;
      const enough = new Promise((resolve) => {
        waiting = setTimeout(resolve, reapWait_ms);
      });
      await Promise.race([running.ended, enough]);
      clearTimeout(waiting);
    },
  };
}
