import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { presenceUntil } from "./presenceUntil.js";
import { raisePresence } from "./raise.js";

/**
 * Tells of a good answer, but not of each: what is told costs gas. Before the first step of health there is nothing on
 * chain that it could belong to, and that step tells it.
 */
export function tellPresence(
  fleet: FleetFold,
  fold: DeviceFold,
  now_ms: number,
  evidence: string,
  sink: FoldSink,
): void {
  const { presence_renew_ms } = fleet.policy;
  const until_ms = presenceUntil(fleet, fold);
  if (presence_renew_ms === null || until_ms === null || fold.health_sequence === 0) return;
  const told_ms = fold.assured_until_ms;
  if (told_ms === null || until_ms - told_ms >= presence_renew_ms) {
    raisePresence(fleet, fold, now_ms, evidence, sink);
  }
}
