import { CaliberError } from "../../protocol/errors.js";
import type { InventoryBody, SourceName } from "../../protocol/report/schema.js";
import type { GpuSample, TelemetrySource } from "../sources/telemetrySource.js";

export type OneReading = {
  source: SourceName;
  inventory: readonly InventoryBody[];
  /** Every sample taken, in order. */
  samples: readonly GpuSample[];
  /** What went wrong meanwhile; the reading may be good all the same. */
  problems: readonly CaliberError[];
};

export type ReadOnceOptions = {
  /** How long to wait for the first full reading, and then for the first samples. */
  patience_ms: number;
  /** How long to go on after the first samples, for what comes later: another sample, DCGM, the kernel's log. */
  settle_ms: number;
};

/** Starts a source, reads for a moment, and stops it. A source that gives nothing is an empty reading with its problems. */
export async function readOnce(
  source: TelemetrySource,
  { patience_ms, settle_ms }: ReadOnceOptions,
): Promise<OneReading> {
  const samples: GpuSample[] = [];
  const problems: CaliberError[] = [];
  let sampled: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    sampled = resolve;
  });
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number): Promise<"late"> =>
    new Promise((resolve) => {
      timers.push(setTimeout(() => resolve("late"), ms));
    });
  try {
    const started = source.start({
      onSamples(batch) {
        samples.push(...batch);
        if (batch.length > 0) sampled();
      },
      onInventory: () => undefined,
      onProblem: (error) => problems.push(error),
    });
    const late = await Promise.race([started, after(patience_ms)]);
    if (late === "late") problems.push(tooLate(source.name, patience_ms));
    else if (source.inventory().length > 0) {
      if ((await Promise.race([first, after(patience_ms)])) === "late") {
        problems.push(tooLate(source.name, patience_ms));
      } else await after(settle_ms);
    }
    return { source: source.name, inventory: source.inventory(), samples, problems };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await source.stop();
  }
}

const tooLate = (name: string, ms: number) =>
  new CaliberError("SOURCE_TIMEOUT", `${name} gave no reading within ${ms} ms`, { disposition: "retryable" });
