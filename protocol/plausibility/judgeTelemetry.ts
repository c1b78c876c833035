import type { Implausibility, TelemetryBody } from "../report/schema.js";
import { modelOf } from "./modelOf.js";
import { busyAtIdlePower } from "./telemetry/busyAtIdlePower.js";
import { busyWithoutMemory } from "./telemetry/busyWithoutMemory.js";
import { clockAboveMax } from "./telemetry/clockAboveMax.js";
import { counterWentBack } from "./telemetry/counterWentBack.js";
import { energyOfPower } from "./telemetry/energyOfPower.js";
import { linkAboveMax } from "./telemetry/linkAboveMax.js";
import { memoryAboveTotal } from "./telemetry/memoryAboveTotal.js";
import { powerAboveLimit } from "./telemetry/powerAboveLimit.js";
import { presentBeyondWindow } from "./telemetry/presentBeyondWindow.js";
import { readingsFrozen } from "./telemetry/readingsFrozen.js";
import { readingsWhileAbsent } from "./telemetry/readingsWhileAbsent.js";
import { statOutOfOrder } from "./telemetry/statOutOfOrder.js";
import type {
  InventoryClaims,
  SeenTelemetry,
  TelemetryBefore,
  TelemetryRule,
  Window,
} from "./telemetryRule.js";

export const telemetryRules: readonly TelemetryRule[] = [
  statOutOfOrder,
  presentBeyondWindow,
  readingsWhileAbsent,
  busyAtIdlePower,
  busyWithoutMemory,
  readingsFrozen,
  energyOfPower,
  powerAboveLimit,
  clockAboveMax,
  linkAboveMax,
  memoryAboveTotal,
  counterWentBack,
];

/**
 * What cannot well be true together in one window, beside the window before it and what the GPU says it is. Every value
 * is the host's word: a finding shows a careless forgery or a fault of measurement, and none shows nothing.
 */
export function judgeTelemetry({
  body,
  window,
  before,
  inventory,
}: {
  body: TelemetryBody;
  window: Window;
  /** Null at the start of a chain, or where nothing is remembered. */
  before: TelemetryBefore | null;
  /** Null before the first inventory. */
  inventory: InventoryClaims | null;
}): Implausibility[] {
  const model = inventory === null ? null : modelOf(inventory);
  const seen: SeenTelemetry = { body, window, before, inventory, model };
  const found: Implausibility[] = [];
  for (const { code, judge } of telemetryRules) {
    const evidence = judge(seen);
    if (evidence !== null) found.push({ code, evidence: evidence.slice(0, 200) });
  }
  return found;
}
