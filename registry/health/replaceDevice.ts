import type { ChainBody } from "../../protocol/log/entryBodies.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import { foldOf } from "./foldOf.js";
import type { FoldSink } from "./foldSink.js";
import { materialNamed } from "./materialNamed.js";
import { raiseHealth } from "./raise.js";

/**
 * The title goes from the device that had it to the one that stands in. Whoever follows the token sees one sequence: it goes on
 * above both devices' own, with the state that the token has from now on.
 */
export function replaceDevice(
  fleet: FleetFold,
  fold: DeviceFold,
  body: Extract<ChainBody, { type: "replaced" }>,
  now_ms: number,
  sink: FoldSink,
): void {
  const before = foldOf(fleet, body.former);
  if (before === undefined || before === fold || before.token?.token_id !== body.token_id) return;
  const { chain_id, contract, token_id } = before.token;
  const material = materialNamed(fold, body.evidence);
  const { device: key, tx } = body;
  fold.token = { chain_id, contract, token_id, tx, material, amended_ms: null, rotated_ms: null, key };
  fold.consent = null;
  fold.title_replacement = null;
  fold.replaced_by = null;
  fold.replaced_key = null;
  before.token = null;
  before.consent = null;
  before.title_rotation = null;
  before.replaced_by = fold.device;
  before.replaced_key = before.device;
  sink.changed(before);
  fold.sequence = Math.max(fold.sequence, before.sequence);
  const { state, cause } = fold;
  const to = { state, cause, value: null, threshold: null, detail: null };
  raiseHealth(fleet, fold, to, now_ms, body.evidence, sink);
}
