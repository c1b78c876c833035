import type { InventoryBody } from "../../../protocol/report/schema.js";
import type { FastHealth } from "../nvidiaSmi/parseCsvRow.js";
import type { FastReading, HealthReading } from "../telemetrySource.js";
import type { PlainError } from "./nvmlErrors.js";

/** What the thread is started with. */
export type NvmlSettings = {
  /** Path of the library, or its name as the dynamic linker looks it up. */
  library: string;
  /** UUIDs that this host is known to have: the driver is asked for those that no index shows. */
  known: readonly string[];
  /** Whether the driver is asked for the Xids that it holds critical. */
  xid_events: boolean;
};

/** One question at a time; `close` is the last. */
export type NvmlRequest =
  | {
      ask: "round";
      /** Whether inventory and health are wanted as well. */
      full: boolean;
      /** Whether NVML is to be shut down and initialized first: it lists GPUs only then. */
      reopen: boolean;
    }
  | { ask: "close" };

/** One GPU in one round. `lost` GPUs have no reading. */
export type NvmlRow = {
  uuid: string;
  presence: "present" | "lost";
  fast: FastReading;
  health: FastHealth;
};

/** What a full reading says of one GPU. `lost` GPUs keep what identifies them. */
export type NvmlFull = {
  presence: "present" | "lost";
  inventory: InventoryBody;
  health: HealthReading;
};

/** An Xid that the driver told since the answer before. */
export type NvmlXid = { uuid: string; xid: number; count: number };

export type NvmlAnswer =
  | {
      ok: true;
      rows: NvmlRow[];
      /** Inventory and health: when asked for, and unasked when the set of GPUs changed. */
      full: NvmlFull[] | null;
      xids: NvmlXid[];
      /** What kept single GPUs from being read. */
      problems: PlainError[];
    }
  | { ok: false; error: PlainError };
