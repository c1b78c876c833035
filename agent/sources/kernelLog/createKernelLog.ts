import type { Supplement, SupplementListener } from "../supplement.js";
import type { SourceClock } from "../telemetrySource.js";
import { createFaultReader } from "./createFaultReader.js";
import { createFaultTally } from "./createFaultTally.js";
import { kernelLogError } from "./kernelLogErrors.js";
import type { LogReader } from "./logReader.js";
import { type KernelLogPaths, type KernelLogSource, kernelLogPaths, openKernelLog } from "./openKernelLog.js";

export type KernelLogOptions = {
  source: KernelLogSource;
  clock: SourceClock;
  poll_ms?: number;
  /** Until the first attempt to open a log again; it doubles up to ten minutes. */
  retry_ms?: number;
  paths?: Partial<KernelLogPaths>;
};

const maxRetry_ms = 600_000;
/** Polls for one while more comes than one takes: a wakeup costs more than the reading, so there are few until then. */
const stormPolls = 4;
/** A storm that overwrites the ring is told of once in this time. */
const lostEvery_ms = 3_600_000;

/**
 * Reads NVIDIA's faults in the kernel's log. Only what the kernel tells while this runs is told on: what is in the log
 * at the start was there for the run before, or nobody, and a fault that lasts shows in the GPU's own state. (Nothing is
 * kept between runs: a record of what was told that is lost would tell old faults as new.) However many lines come, a
 * poll reads a bounded number, and the same kind of fault is one event with a count.
 */
export function createKernelLog(options: KernelLogOptions): Supplement {
  const { source, clock, poll_ms = 1000, retry_ms = 10_000 } = options;
  const paths = { ...kernelLogPaths, ...options.paths };
  const tally = createFaultTally();
  let listener: SupplementListener | undefined;
  let log: LogReader | undefined;
  let timer: NodeJS.Timeout | undefined;
  let opening: Promise<void> | undefined;
  let stopped = false;
  let unreadable = false;
  let failures = 0;
  let lost = 0;
  let lostTold_mono_ms = Number.NEGATIVE_INFINITY;
  let readFault = createFaultReader();

  function tellLost(): void {
    const now = clock.mono_ms();
    if (lost === 0 || now - lostTold_mono_ms < lostEvery_ms) return;
    lostTold_mono_ms = now;
    const message = `${lost} records of the kernel log were overwritten before they were read`;
    lost = 0;
    listener?.onProblem(kernelLogError("KERNEL_LOG_RECORDS_LOST", message));
  }

  function later(): void {
    const wait_ms = Math.min(retry_ms * 2 ** Math.min(failures++, 10), maxRetry_ms);
    if (!stopped) timer = setTimeout(open, wait_ms);
  }

  function poll(): void {
    const reader = log;
    if (reader === undefined) return;
    try {
      const more = reader.poll((line, at_ms) => {
        const fault = readFault(line);
        if (fault !== null) tally.add(fault, at_ms);
      });
      failures = 0;
      timer = setTimeout(poll, more ? poll_ms / stormPolls : poll_ms);
    } catch (cause) {
      log = undefined;
      listener?.onProblem(
        kernelLogError("KERNEL_LOG_FAILED", "the kernel log cannot be read any longer", { cause }),
      );
      opening = reader.close().then(later, later);
    }
    for (const { gpu, event } of tally.take()) listener?.onXid(gpu, event);
    tellLost();
  }

  async function tryOpen(): Promise<void> {
    readFault = createFaultReader();
    try {
      const reader = await openKernelLog(source, paths, {
        now_ms: clock.now_ms,
        // For the UUIDs that the driver gave its addresses; faults in it are old.
        onHistory: (line) => void readFault(line),
        onLost: (records) => {
          lost += records;
        },
      });
      if (stopped) return await reader.close();
      log = reader;
      unreadable = false;
      timer = setTimeout(poll, poll_ms);
    } catch (error) {
      if (stopped) return;
      if (!unreadable) listener?.onProblem(error as ReturnType<typeof kernelLogError>);
      unreadable = true;
      later();
    }
  }
  const open = (): Promise<void> => {
    opening = tryOpen();
    return opening;
  };

  return {
    name: "kernel-log",
    async start(to) {
      listener = to;
      await open();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await opening;
      clearTimeout(timer);
      const reader = log;
      log = undefined;
      await reader?.close();
    },
  };
}
