import { CaliberError } from "../../protocol/errors.js";
import {
  type InventoryJoin,
  type JoinedField,
  joinWithInventory,
} from "../../protocol/evidence/joinWithInventory.js";
import type { VerifiedEvidence } from "../../protocol/evidence/verifyReport.js";
import type { EvidenceReport } from "../../protocol/report/schema.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { type EvidenceContext, judgeEvidence } from "./judgeEvidence.js";
import { loseGpu } from "./loseGpu.js";
import { raiseFinding } from "./raise.js";
import { tellPresence } from "./tellPresence.js";

/** What makes a model: a GPU that signs another one than its host declares is not the GPU that the reports speak of. */
const ofModel: ReadonlySet<JoinedField> = new Set(["architecture", "project", "project_sku", "chip_sku"]);

type Told = { statement: string; report: EvidenceReport };

/** Folds in a GPU's answer to a challenge. A challenge is good for one answer, whatever that is worth. */
export function applyEvidence(
  fleet: FleetFold,
  fold: DeviceFold,
  told: Told,
  now_ms: number,
  sink: FoldSink,
): void {
  const challenge = fold.challenge;
  const answers = challenge?.challenge === told.report.body.challenge;
  if (answers) fold.challenge = null;
  const tell = (code: string, text: string): void =>
    raiseFinding(fleet, fold, { code, text, evidence: told.statement }, now_ms, sink);
  const fail = (why: string): void => {
    if (answers) fold.challenges_missed += 1;
    tell("ATTESTATION_FAILED", why);
  };
  const { origin, evidence_root } = fleet;
  const verified = verifiedOrWhy(told.report, { challenge, origin, evidence_root, now_ms });
  if (typeof verified === "string") {
    fail(verified);
    return;
  }
  if (fold.inventory === null) {
    fail("INVENTORY_MISSING: nothing is declared that could be joined");
    return;
  }
  const mismatches = joinWithInventory(verified, fold.inventory.declared).filter(
    ({ outcome }) => outcome === "mismatch",
  );
  if (mismatches.length > 0) tell("ATTESTATION_MISMATCH", mismatches.map(mismatchText).join("; "));
  if (mismatches.some(({ field }) => ofModel.has(field))) {
    fold.challenges_missed += 1;
    return;
  }
  const latency_ms = now_ms - (challenge?.issued_ms ?? now_ms);
  claimSilicon(fleet, fold, verified.strong_identity, { told, latency_ms }, now_ms, sink);
}

/** The borrower wrote these bytes, and they are in the log for good: whatever they do to a parser, the fold goes on. */
function verifiedOrWhy(report: EvidenceReport, context: EvidenceContext): VerifiedEvidence | string {
  try {
    return judgeEvidence(report, context);
  } catch (error) {
    if (error instanceof CaliberError) return `${error.code}: ${error.message}`;
    return `EVIDENCE_UNREADABLE: ${String(error).slice(0, 100)}`;
  }
}

/** One silicon, one live device; one key, one silicon. */
function claimSilicon(
  fleet: FleetFold,
  fold: DeviceFold,
  strong_identity: string,
  { told: { statement }, latency_ms }: { told: Told; latency_ms: number },
  now_ms: number,
  sink: FoldSink,
): void {
  const finding = (code: string, text: string) => ({ code, text, evidence: statement });
  const known = fold.silicon;
  const shown = { strong_identity, statement, at_ms: now_ms, latency_ms, lapsed: false };
  if (known !== null && known.strong_identity !== strong_identity) {
    fold.dispute ??= "identity_changed";
    fold.contested = shown;
    const text = `the key has moved from silicon ${known.strong_identity} to ${strong_identity}`;
    raiseFinding(fleet, fold, finding("IDENTITY_CHANGED", text), now_ms, sink);
    return;
  }
  const holder = fleet.silicon.get(strong_identity);
  if (holder !== undefined && holder !== fold.device) {
    const incumbent = fleet.devices.get(holder);
    const text = `devices ${holder} and ${fold.device} both show silicon ${strong_identity}`;
    // Only to the other side of its own dispute: a third key with the same silicon, and the borrower has them to make, ends none.
    const yields = fold.dispute === null && incumbent?.yields_to === fold.id;
    // Equals: both are asked again at once, and again only when there is something new to settle.
    if (fold.dispute === null && !yields) {
      fold.yields_to = incumbent?.id ?? null;
      fold.challenge_wanted = true;
      if (incumbent !== undefined) incumbent.challenge_wanted = true;
    }
    if (!yields) {
      fold.dispute ??= "identity_taken";
      fold.contested = shown;
    }
    raiseFinding(fleet, fold, finding("IDENTITY_TAKEN", text), now_ms, sink);
    if (incumbent !== undefined) {
      raiseFinding(fleet, incumbent, finding("IDENTITY_TAKEN", text), now_ms, sink);
    }
    // One whose own GPU is in dispute holds none against the other side: a decision stays decided.
    if (!yields) return;
    loseGpu(fleet, incumbent, fold, now_ms, statement, sink);
  }
  fleet.silicon.set(strong_identity, fold.device);
  fold.silicon = shown;
  fold.challenges_missed = 0;
  tellPresence(fleet, fold, now_ms, statement, sink);
  if (known === null) tellOutranked(fleet, fold, statement, now_ms, sink);
}

/** A newcomer on a taken UUID turns out to be the stronger one: it stays outside, and the incumbent hears of it. */
function tellOutranked(
  fleet: FleetFold,
  fold: DeviceFold,
  statement: string,
  now_ms: number,
  sink: FoldSink,
): void {
  const holder = fleet.identities.get(fold.inventory?.weak_identity ?? "");
  const incumbent = holder === undefined || holder === fold.device ? undefined : fleet.devices.get(holder);
  if (incumbent === undefined || incumbent.silicon !== null) return;
  const text = `device ${fold.device} claims the same GPU and has shown its silicon; device ${incumbent.device} has not`;
  raiseFinding(fleet, incumbent, { code: "IDENTITY_OUTRANKED", text, evidence: statement }, now_ms, sink);
}

/** The PDI is sensitive, and findings go out to keepers. */
function mismatchText({ field, signed, declared }: InventoryJoin): string {
  return field === "pdi" ? "pdi" : `${field}: ${signed} signed, ${declared} declared`;
}
