import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding, raisePresence } from "./raise.js";

/** What only time does to a device's silicon: a challenge runs out, and proof that is not renewed is proof no more. */
export function lapseSilicon(
  fleet: FleetFold,
  fold: DeviceFold,
  now_ms: number,
  evidence: string,
  sink: FoldSink,
): void {
  const { challenge, silicon } = fold;
  if (challenge !== null && now_ms > challenge.expires_ms) {
    fold.challenge = null;
    fold.challenges_missed += 1;
    sink.changed(fold);
  }
  if (silicon === null || silicon.lapsed) return;
  const { silicon_lapse_ms, silicon_missed_max } = fleet.policy;
  const missed = fold.challenges_missed;
  if (now_ms - silicon.at_ms <= silicon_lapse_ms && missed < silicon_missed_max) return;
  silicon.lapsed = true;
  const text = `the GPU last proved itself at ${new Date(silicon.at_ms).toISOString()}; ${missed} challenges since have no good answer`;
  raiseFinding(fleet, fold, { code: "ATTESTATION_EXPIRED", text, evidence }, now_ms, sink);
  // By time it has lapsed on chain as well.
  const { assured_until_ms } = fold;
  if (assured_until_ms !== null && assured_until_ms > now_ms) {
    raisePresence(fleet, fold, now_ms, evidence, sink);
  }
}
