import type { DecisionBody } from "../../protocol/log/entryBodies.js";
import { step } from "./applyReport.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { loseGpu } from "./loseGpu.js";
import { raiseFinding } from "./raise.js";

/**
 * A person has decided a device's dispute. `upheld` leaves it disputed. `cleared` ends it in the device's favour: the GPU that
 * it shows, by UUID and by silicon, is then its own, and who held either identity before is the one in dispute.
 */
export function applyDecision(
  fleet: FleetFold,
  fold: DeviceFold,
  { idx, body }: { idx: number; body: DecisionBody },
  now_ms: number,
  sink: FoldSink,
): void {
  const { dispute } = fold;
  if (dispute === null) return;
  const evidence = `entry:${idx}`;
  const text = `${dispute} is ${body.outcome}, says ${body.by}: ${body.reason}`;
  raiseFinding(fleet, fold, { code: "DISPUTE_DECIDED", text, evidence }, now_ms, sink);
  if (body.outcome === "upheld") return;
  fold.dispute = null;
  if (dispute !== "equivocation") takeIdentity(fleet, fold, evidence, now_ms, sink);
  fold.contested = null;
  step(fleet, fold, now_ms, evidence, sink);
}

function takeIdentity(
  fleet: FleetFold,
  fold: DeviceFold,
  evidence: string,
  now_ms: number,
  sink: FoldSink,
): void {
  const { identities, silicon } = fleet;
  const weak = fold.inventory?.weak_identity ?? null;
  const shown = fold.contested;
  const byUuid = otherHolder(fleet, fold, weak === null ? undefined : identities.get(weak));
  const bySilicon = otherHolder(fleet, fold, shown === null ? undefined : silicon.get(shown.strong_identity));
  fold.yields_to = null;
  letGoUuid(fleet, fold);
  const strong = fold.silicon?.strong_identity;
  if (strong !== undefined && silicon.get(strong) === fold.device) silicon.delete(strong);
  fold.silicon = null;
  if (byUuid !== undefined) letGoUuid(fleet, byUuid);
  for (const loser of new Set([byUuid, bySilicon])) {
    if (loser !== undefined) loseGpu(fleet, loser, fold, now_ms, evidence, sink);
  }
  if (weak !== null) identities.set(weak, fold.device);
  fold.held = weak;
  if (shown !== null) {
    // Its own from now on, whoever answers first; and it has to be shown again before it counts.
    silicon.set(shown.strong_identity, fold.device);
    fold.silicon = { ...shown, lapsed: true };
  }
  fold.challenge_wanted = true;
}

function otherHolder(fleet: FleetFold, fold: DeviceFold, holder: string | undefined): DeviceFold | undefined {
  return holder === undefined || holder === fold.device ? undefined : fleet.devices.get(holder);
}

function letGoUuid({ identities }: FleetFold, fold: DeviceFold): void {
  if (fold.held !== null && identities.get(fold.held) === fold.device) identities.delete(fold.held);
  fold.held = null;
}
