import { step } from "./applyReport.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raisePresence } from "./raise.js";

/** `to` has the GPU that this one held: what it showed counts no more, and is what its dispute is about. */
export function loseGpu(
  fleet: FleetFold,
  fold: DeviceFold,
  to: DeviceFold,
  now_ms: number,
  evidence: string,
  sink: FoldSink,
): void {
  fold.contested ??= fold.silicon;
  const strong = fold.silicon?.strong_identity;
  if (strong !== undefined && fleet.silicon.get(strong) === fold.device) fleet.silicon.delete(strong);
  fold.silicon = null;
  fold.dispute ??= "identity_taken";
  fold.yields_to = to.id;
  sink.changed(fold);
  step(fleet, fold, now_ms, evidence, sink);
  // One that was in dispute already makes no step, and its silicon still counts on chain.
  const { assured_until_ms } = fold;
  if (assured_until_ms !== null && assured_until_ms > now_ms) {
    raisePresence(fleet, fold, now_ms, evidence, sink);
  }
}
