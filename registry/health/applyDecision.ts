import type { DecisionBody } from "../../protocol/log/entryBodies.js";
import { step } from "./applyReport.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding } from "./raise.js";

/**
 * A person has decided a device's dispute. `upheld` leaves it disputed. `cleared` ends it in the device's favour: the GPU that
 * it shows is then its own, and who held that identity before is the one in dispute.
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
  step(fleet, fold, now_ms, evidence, sink);
}

function takeIdentity(
  fleet: FleetFold,
  fold: DeviceFold,
  evidence: string,
  now_ms: number,
  sink: FoldSink,
): void {
  const weak = fold.inventory?.weak_identity ?? null;
  const holder = weak === null ? undefined : fleet.identities.get(weak);
  const incumbent = holder === undefined || holder === fold.device ? undefined : fleet.devices.get(holder);
  letGo(fleet, fold);
  if (incumbent !== undefined) {
    letGo(fleet, incumbent);
    incumbent.dispute ??= "identity_taken";
    sink.changed(incumbent);
    step(fleet, incumbent, now_ms, evidence, sink);
  }
  if (weak !== null) fleet.identities.set(weak, fold.device);
  fold.held = weak;
  // Which silicon it is has to be shown again, now that it may be.
  fold.challenge_wanted = true;
}

function letGo({ identities, silicon }: FleetFold, fold: DeviceFold): void {
  if (fold.held !== null && identities.get(fold.held) === fold.device) identities.delete(fold.held);
  fold.held = null;
  const strong = fold.silicon?.strong_identity;
  if (strong !== undefined && silicon.get(strong) === fold.device) silicon.delete(strong);
  fold.silicon = null;
}
