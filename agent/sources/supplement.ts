import type { CaliberError } from "../../protocol/errors.js";
import type { SupplementName, XidEvent } from "../../protocol/report/schema.js";
import type { FastReading, HealthReading } from "./telemetrySource.js";

/** Which GPU something is told of: by UUID or, where only the kernel speaks, by PCI address (`00000000:18:00.0`). */
export type GpuName = { uuid: string } | { bus_id: string };

/** Readings of one GPU that a supplement has and the source may lack. A member left out says nothing. */
export type SuppliedReading = {
  gpu: GpuName;
  at_mono_ms: number;
  values: Partial<FastReading & HealthReading>;
};

export type SupplementListener = {
  onReadings(readings: readonly SuppliedReading[]): void;
  /** One or more tellings of one kind of fault. */
  onXid(gpu: GpuName, event: XidEvent): void;
  /** Something could not be read. The supplement goes on trying by itself. */
  onProblem(error: CaliberError): void;
};

/** What knows more than the source: DCGM, the kernel's log. It never decides whether a GPU is there. */
export type Supplement = {
  readonly name: SupplementName | "kernel-log";
  start(listener: SupplementListener): Promise<void>;
  /** No callback follows. */
  stop(): Promise<void>;
};
