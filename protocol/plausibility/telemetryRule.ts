import type { InventoryBody, TelemetryBody } from "../report/schema.js";
import type { GpuModel } from "./gpuModels.js";
import type { PlausibilityCode } from "./plausibilityCodes.js";

export type Window = { start_ms: number; end_ms: number };

/** What the judging of a window needs of the GPU's inventory: little, since a registry keeps it for each device. */
export type InventoryClaims = Pick<
  InventoryBody,
  | "name"
  | "pci_device_id"
  | "fb_total_mib"
  | "sm_clock_max_mhz"
  | "power_limit_mw"
  | "pcie_gen_max"
  | "pcie_width_max"
>;

/** What is kept of a window for the judging of the next: rememberTelemetry.ts. */
export type TelemetryMemory = {
  window: Window;
  body: Pick<TelemetryBody, "presence" | "energy_mj" | "pcie_replays" | "ecc_aggregate"> & {
    remapped_rows: { correctable: number; uncorrectable: number } | null;
  };
};

/** The window before, or what was kept of it: a whole body will do. */
export type TelemetryBefore = Readonly<TelemetryMemory>;

export type SeenTelemetry = {
  body: TelemetryBody;
  window: Window;
  before: TelemetryBefore | null;
  inventory: InventoryClaims | null;
  model: GpuModel | null;
};

export type TelemetryRule = {
  code: PlausibilityCode;
  /** The contradiction in words, with units, at most 200 characters; null when there is none. Runs on every report. */
  judge(seen: SeenTelemetry): string | null;
};
