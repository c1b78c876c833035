import { judgeInventory } from "../../protocol/plausibility/judgeInventory.js";
import type { InventoryBody, TelemetryBody } from "../../protocol/report/schema.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import { closeWindow } from "../window/closeWindow.js";
import { createSeriesWatch } from "../window/createSeriesWatch.js";
import { createWindow } from "../window/createWindow.js";
import { createWindowJudge } from "../window/createWindowJudge.js";
import type { ScannedGpu } from "./scanResult.js";

/** The time that one sample stands for: the sources' own interval. */
const interval_ms = 1000;

/** What the agent would report of one GPU that gave these samples, judged as the registry would judge it. */
export function scannedGpu(
  uuid: string,
  inventory: InventoryBody | null,
  samples: readonly GpuSample[],
): ScannedGpu {
  const telemetry = telemetryOf(uuid, inventory, samples);
  return {
    uuid,
    bus_id: inventory?.pci_bus_id ?? null,
    inventory,
    telemetry,
    dcgm: null,
    xids: telemetry?.xids ?? [],
    implausible: telemetry?.implausible ?? (inventory === null ? [] : judgeInventory(inventory)),
  };
}

/** A window over all samples; it begins an interval before the first. Null without samples. */
function telemetryOf(
  uuid: string,
  inventory: InventoryBody | null,
  samples: readonly GpuSample[],
): TelemetryBody | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return null;
  const window = createWindow({ uuid, start_mono_ms: first.at_mono_ms - interval_ms, interval_ms });
  for (const sample of samples) window.add(sample);
  const { body } = closeWindow(window, last.at_mono_ms);
  // Its length by the monotonic clock: a wall clock that is set meanwhile must not make a finding.
  const start_ms = last.at_ms - (last.at_mono_ms - window.start_mono_ms);
  const judge = createWindowJudge({ uuid, series: createSeriesWatch() });
  if (inventory !== null) judge.inventory(inventory);
  return { ...body, implausible: judge.window(body, { start_ms, end_ms: last.at_ms }) };
}
