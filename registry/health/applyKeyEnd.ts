import type { KeyBody } from "../../protocol/log/entryBodies.js";
import { step } from "./applyReport.js";
import type { DeviceFold, EndedKey } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { raiseFinding } from "./raise.js";

type Ending<T extends KeyBody["type"]> = { idx: number; body: Extract<KeyBody, { type: T }> };

/**
 * The device goes on under its next key: record, identity and token stay where they are, as does a dispute. Nothing that the
 * old key alone had agreed to is left; the next key is in a TPM where the TPM of the enrolment says so, and nowhere else.
 */
export function rotateKey(
  fleet: FleetFold,
  fold: DeviceFold,
  { body }: Ending<"rotate">,
  now_ms: number,
  sink: FoldSink,
): void {
  const { device, successor, seq, statement } = body;
  const ended: EndedKey = { device, last_seq: seq, statement };
  const all = [...fleet.devices.values()];
  fold.device = successor;
  fold.former_keys.push(ended);
  fold.key = body.tpm === undefined ? "software" : "tpm";
  fold.consent = null;
  fold.title_rotation = null;
  fold.title_replacement = null;
  // Its nonce is made of the old key's name.
  fold.challenge = null;
  fold.challenge_wanted ||= fold.silicon !== null;
  fleet.devices.clear();
  for (const one of all) fleet.devices.set(one.device, one);
  fleet.former.set(device, fold);
  for (const holders of [fleet.identities, fleet.silicon]) {
    for (const [identity, holder] of holders) if (holder === device) holders.set(identity, successor);
  }
  fleet.series = null;
  sink.keyEnded(fold, ended, body.successor_spki);
  const text = `device ${device} goes on as device ${successor}`;
  raiseFinding(fleet, fold, { code: "KEY_ROTATED", text, evidence: statement }, now_ms, sink);
}

/**
 * The device is out of service for good. Its GPU may be enrolled again under another key, unless it is disputed: nobody
 * leaves a dispute by retiring.
 */
export function retireDevice(
  fleet: FleetFold,
  fold: DeviceFold,
  { idx, body }: Ending<"retire">,
  now_ms: number,
  sink: FoldSink,
): void {
  const { device, seq, statement, reason } = body;
  const ended: EndedKey = { device, last_seq: seq, statement };
  fold.retired = { ...ended, reason };
  fold.consent = null;
  fold.title_rotation = null;
  fold.title_replacement = null;
  fold.challenge = null;
  fold.challenge_wanted = false;
  if (fold.dispute === null) {
    for (const holders of [fleet.identities, fleet.silicon]) {
      for (const [identity, holder] of holders) if (holder === device) holders.delete(identity);
    }
    fold.held = null;
    fold.silicon = null;
  }
  sink.keyEnded(fold, ended, null);
  sink.changed(fold);
  step(fleet, fold, now_ms, `entry:${idx}`, sink);
}
