import type { CaliberError } from "../../protocol/errors.js";
import type { SupplementName, XidEvent } from "../../protocol/report/schema.js";
import type { FastReading, HealthReading } from "./telemetrySource.js";

/**
 * Which GPU something is told of: by UUID (`GPU-…`), by PCI address (`00000000:18:00.0`), or by both. The kernel speaks
 * of addresses, and names the UUID behind one only now and then.
 */
export type GpuName = { uuid: string | null; bus_id: string | null };

/** Readings of one GPU that a supplement has and the source may lack. A member left out, or null, says nothing. */
export type SuppliedReading = {
  gpu: GpuName;
  /** From then on the values are too old to stand in for the GPU's own. */
  until_mono_ms: number;
  values: Partial<FastReading & HealthReading>;
};

export type SupplementListener = {
  /** Takes the place of what was supplied of these GPUs before. */
  onReadings(readings: readonly SuppliedReading[]): void;
  /** One or more tellings of one kind of fault. */
  onXid(gpu: GpuName, event: XidEvent): void;
  /** Something could not be read. The supplement goes on trying by itself. */
  onProblem(error: CaliberError): void;
};

/** What knows more than the source: DCGM, the kernel's log. It never decides whether a GPU is there. */
export type Supplement = {
  readonly name: SupplementName | "kernel-log";
  /** Resolves after the first attempt to read, good or failed (a failure goes to `onProblem`). */
  start(listener: SupplementListener): Promise<void>;
  /** No callback follows. */
  stop(): Promise<void>;
};
