import { CaliberError } from "../../../protocol/errors.js";
import { createFullReading, type FullReading } from "./createFullReading.js";
import { createOneShot } from "./createOneShot.js";
import type { GpuTable } from "./gpuTable.js";
import type { SmiCommand } from "./runOnce.js";
import type { SmiErrorCode } from "./smiErrors.js";

/** Pause between full readings that faults call for: a GPU that fails again and again must not keep one running. */
const minGap_ms = 2000;
/** Until the next full reading after one that failed or could not ask every GPU. */
const retry_ms = 15_000;

/**
 * Reads all GPUs in full every `full_interval_ms`, sooner when asked to or after a failure; one reading at a time, and none
 * while a child that could not be killed is still there. Where one GPU keeps nvidia-smi from answering at all, the others
 * are asked without it.
 */
export function scheduleFull(of: {
  command: SmiCommand;
  table: GpuTable;
  timeout_ms: number;
  full_interval_ms: number;
  mono_ms: () => number;
  /** `whole`: of all GPUs. */
  onReading(reading: FullReading, whole: boolean): void;
  /** Asked for all GPUs, the driver said that there is none. */
  onNone(): void;
  /** The GPUs that can be asked together; null: all. */
  onLimit(uuids: readonly string[] | null): void;
  onProblem(error: CaliberError): void;
}): {
  /** The first reading; resolves when it ended, well or not. */
  first(): Promise<void>;
  /** As soon as the pauses allow. */
  want(): void;
  stop(): void;
} {
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;
  let reading = false;
  /** Asked for while one ran, which may have begun before what it is asked for. */
  let again = false;
  let ended_mono_ms = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  let due_mono_ms = Number.POSITIVE_INFINITY;
  /** What was wrong with the XML last time: said again only when it changes. */
  let told: string | null = null;

  const oneShot = createOneShot(of.command, want);
  const fullReading = createFullReading(oneShot);

  async function read(): Promise<void> {
    due_mono_ms = Number.POSITIVE_INFINITY;
    // One that cannot be killed calls for the next reading by its end.
    if (reading || oneShot.alive() || stopped()) return;
    reading = true;
    again = false;
    let whole = false;
    try {
      whole = await readAll();
    } catch (error) {
      if (!(error instanceof CaliberError)) throw error;
      if (!stopped()) of.onProblem(error);
    }
    reading = false;
    ended_mono_ms = of.mono_ms();
    schedule(ended_mono_ms + (whole ? of.full_interval_ms : Math.min(of.full_interval_ms, retry_ms)));
    if (again) want();
  }

  /** All GPUs; when one of them stops nvidia-smi from answering, the others. */
  async function readAll(): Promise<boolean> {
    try {
      await readSome(null);
      of.onLimit(null);
      return true;
    } catch (error) {
      const { code, details } = error as CaliberError;
      if (code === ("NVIDIA_SMI_NO_DEVICES" satisfies SmiErrorCode)) of.onNone();
      const named = of.table.noteLost(details ?? "");
      const others = of.table.askable();
      if (named.length === 0 || others.length === 0) throw error;
      of.onProblem(error as CaliberError);
      of.onLimit(others);
      await readSome(others);
      return false;
    }
  }

  async function readSome(uuids: readonly string[] | null): Promise<void> {
    const full = await fullReading(uuids, { timeout_ms: of.timeout_ms, signal: stopping.signal });
    if (stopped()) return;
    if (full.damage !== null && full.damage.message !== told) of.onProblem(full.damage);
    told = full.damage?.message ?? null;
    of.onReading(full, uuids === null);
  }

  function schedule(at_mono_ms: number): void {
    clearTimeout(timer);
    due_mono_ms = at_mono_ms;
    const delay_ms = Math.max(0, at_mono_ms - of.mono_ms());
    if (!stopped()) timer = setTimeout(() => void read(), delay_ms);
  }

  function want(): void {
    if (reading) again = true;
    if (reading || oneShot.alive()) return;
    const at_mono_ms = Math.max(of.mono_ms(), ended_mono_ms + minGap_ms);
    if (at_mono_ms < due_mono_ms) schedule(at_mono_ms);
  }

  return {
    first: read,
    want,
    stop() {
      stopping.abort();
      clearTimeout(timer);
    },
  };
}
