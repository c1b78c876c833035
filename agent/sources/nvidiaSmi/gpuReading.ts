import type { InventoryBody } from "../../../protocol/report/schema.js";
import type { FastReading, HealthReading } from "../telemetrySource.js";

/** What one whole reading says of one GPU. `lost` GPUs keep what identifies them; their readings are all null. */
export type GpuReading = {
  /** Null when the driver would not tell: then only `bus_id` says which GPU this was. */
  uuid: string | null;
  bus_id: string | null;
  presence: "present" | "lost";
  inventory: Omit<InventoryBody, "uuid">;
  fast: FastReading;
  health: HealthReading;
};
