import { judgeInventory } from "../../protocol/plausibility/judgeInventory.js";
import { judgeTelemetry } from "../../protocol/plausibility/judgeTelemetry.js";
import { rememberTelemetry } from "../../protocol/plausibility/rememberTelemetry.js";
import type { TelemetryMemory, Window } from "../../protocol/plausibility/telemetryRule.js";
import type { Implausibility, InventoryBody, TelemetryBody } from "../../protocol/report/schema.js";
import type { SeriesWatch } from "./createSeriesWatch.js";

/** Judges the windows of one GPU, in their order. */
export type WindowJudge = {
  /** An inventory was told: windows are held against it, and what is wrong with it goes into the next one. */
  inventory(body: InventoryBody): void;
  /** What cannot well be true in this window, for its own report. The operator sees first what a lender will. */
  window(body: TelemetryBody, window: Window): Implausibility[];
};

/** A judge for one GPU; `series` is the one that all GPUs of the host share. */
export function createWindowJudge(of: { uuid: string; series: SeriesWatch }): WindowJudge {
  let inventory: InventoryBody | null = null;
  let before: TelemetryMemory | null = null;
  let ofInventory: Implausibility[] = [];
  return {
    inventory(body) {
      inventory = body;
      ofInventory = judgeInventory(body);
    },
    window(body, window) {
      const found = [...ofInventory, ...judgeTelemetry({ body, window, before, inventory })];
      ofInventory = [];
      before = rememberTelemetry(before, body, window);
      const twin = of.series.judge(of.uuid, body, window.end_ms);
      return twin === null ? found : [...found, twin];
    },
  };
}
