import type { CaliberError } from "../../protocol/errors.js";
import type {
  InventoryBody,
  Presence,
  SourceName,
  SupplementName,
  TelemetryBody,
  XidEvent,
} from "../../protocol/report/schema.js";

/** Readings taken every second. Integers with their unit in the name; null is "the GPU gave no value", never 0. */
export type FastReading = {
  util_permille: number | null;
  /** Share of time in which at least one warp ran on an SM, averaged over SMs. */
  sm_activity_permille: number | null;
  mem_util_permille: number | null;
  fb_used_mib: number | null;
  power_mw: number | null;
  temp_mc: number | null;
  sm_clock_mhz: number | null;
  pcie_gen: number | null;
  pcie_width: number | null;
  /** Energy since the driver was loaded, in mJ, as a decimal string (it can pass 2^53). */
  energy_mj: string | null;
  /** Reasons that lower the clocks now, sorted; null when the driver did not say. */
  throttle: readonly string[] | null;
};

/** State that changes seldom. Counters are the device's own and may go back to 0 on a driver reload. */
export type HealthReading = Pick<
  TelemetryBody,
  | "ecc_volatile"
  | "ecc_aggregate"
  | "sram_threshold_exceeded"
  | "remapped_rows"
  | "recovery_action"
  | "pcie_replays"
  | "processes"
  | "fabric"
>;

/** Names of readings, as they stand in FastReading and HealthReading. */
export type ReadingField = keyof FastReading | keyof HealthReading;

/** One GPU at one instant. When `presence` is not `present`, every reading is null. */
export type GpuSample = {
  uuid: string;
  source: SourceName;
  /** Readings that another source than `source` gave. */
  supplied: readonly { source: SupplementName; fields: readonly ReadingField[] }[];
  /** Faults that the driver told since the sample before. */
  xids: readonly XidEvent[];
  presence: Presence;
  at_ms: number;
  at_mono_ms: number;
  fast: FastReading;
  health: HealthReading;
};

/** `now_ms` is wall time (Unix ms), `mono_ms` never goes back; both integers. */
export type SourceClock = { now_ms: () => number; mono_ms: () => number };

export type SourceListener = {
  /** One sample for every known GPU, about once an interval, whether the GPU answered or not. */
  onSamples(samples: readonly GpuSample[]): void;
  /** The GPUs that a full reading showed, when that differs from the last one told. */
  onInventory(gpus: readonly InventoryBody[]): void;
  /** A reading failed. The source goes on trying by itself; the code says what went wrong. */
  onProblem(error: CaliberError): void;
};

/** Where readings come from. A source never ends by itself: what it cannot read shows in the samples' presence. */
export type TelemetrySource = {
  readonly name: SourceName;
  /** Resolves after the first full reading, good or failed (a failure goes to `onProblem`). */
  start(listener: SourceListener): Promise<void>;
  /** Ends every child process; no callback follows. */
  stop(): Promise<void>;
  /** What the last full reading said of each GPU; empty before the first. */
  inventory(): readonly InventoryBody[];
};
