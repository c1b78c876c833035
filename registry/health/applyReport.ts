import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { judgeInventory } from "../../protocol/plausibility/judgeInventory.js";
import type { Report } from "../../protocol/report/schema.js";
import { accountFor, lateness_ms } from "./account.js";
import { applyEvidence } from "./applyEvidence.js";
import { assess } from "./assess.js";
import { claimsOf } from "./claimsOf.js";
import { conditions, observeConditions } from "./conditions.js";
import { declaredOf } from "./declaredOf.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { judgeReadings } from "./judgeReadings.js";
import { marksOf } from "./marksOf.js";
import { materialNamed } from "./materialNamed.js";
import { materialOf } from "./materialOf.js";
import { noticeBoot } from "./noticeBoot.js";
import { noticeChanges } from "./noticeChanges.js";
import { noticeNewGpu } from "./noticeNewGpu.js";
import { noticeTimes } from "./noticeTimes.js";
import { raiseFinding, raiseHealth } from "./raise.js";
import { worstXid } from "./xidFacts.js";

/** Of an open challenge: more than a device signs while its GPU answers. */
const rememberedHeads = 32;

export type AcceptedReport = { idx: number; statement: string; report: Report };

/** Folds one accepted report in, at the time of the tick that closed its commit. */
export function applyReport(
  fleet: FleetFold,
  fold: DeviceFold,
  { idx, statement, report }: AcceptedReport,
  now_ms: number,
  sink: FoldSink,
): void {
  sink.changed(fold);
  const inOrder = advanceHead(fleet, fold, report, statement, now_ms, sink);
  const { standing, stretches } = accountFor(report, fold, now_ms, fleet.outages, fleet.policy);
  sink.report(fold, { idx, statement, report }, standing);
  for (const stretch of stretches) sink.stretch(fold, stretch);
  // What fills an old gap says nothing of now.
  if (!inOrder) return;
  noticeBoot(fleet, fold, { report, statement }, now_ms, sink);
  switch (report.kind) {
    case "telemetry":
      applyTelemetry(fleet, fold, report, statement, now_ms, sink);
      break;
    case "inventory":
      applyInventory(fleet, fold, { idx, statement, report }, now_ms, sink);
      break;
    case "gap":
      if (report.body.reason === "state_lost" || report.body.reason === "spool_overflow") {
        const code = report.body.reason === "state_lost" ? "STATE_LOST" : "REPORTS_DROPPED";
        raiseFinding(fleet, fold, { code, text: gapText(report.body), evidence: statement }, now_ms, sink);
      }
      break;
    case "pause":
      applyPause(fleet, fold, report.body, now_ms);
      break;
    case "consent":
      fold.consent = {
        authorization: report.body.authorization,
        signature: report.body.signature,
        statement,
      };
      break;
    case "rotate-title":
      fold.title_rotation = { ...report.body, statement };
      break;
    case "replace-title": {
      const material = materialNamed(fold, report.body.replacement.evidence.slice(2));
      fold.title_replacement = { ...report.body, statement, material };
      break;
    }
    case "evidence":
      applyEvidence(fleet, fold, { statement, report }, now_ms, sink);
      break;
  }
  step(fleet, fold, now_ms, statement, sink);
}

/** Moves the device's state, and the cause it is in, where its record says they belong. */
export function step(
  fleet: FleetFold,
  fold: DeviceFold,
  now_ms: number,
  evidence: string,
  sink: FoldSink,
): void {
  const to = assess(fold, now_ms, fleet.policy);
  if (to.state !== fold.state || to.cause !== fold.cause) {
    raiseHealth(fleet, fold, to, now_ms, evidence, sink);
  }
}

function advanceHead(
  fleet: FleetFold,
  fold: DeviceFold,
  report: Report,
  statement: string,
  now_ms: number,
  sink: FoldSink,
): boolean {
  const expected = fold.head === null ? 0 : fold.head.seq + 1;
  if (report.seq < expected) {
    fold.missing -= 1;
    return false;
  }
  fold.head = { seq: report.seq, statement, window_end_ms: report.window.end_ms };
  fold.challenge?.heads.push(statement);
  if ((fold.challenge?.heads.length ?? 0) > rememberedHeads) fold.challenge?.heads.shift();
  if (report.seq > expected) {
    fold.missing += report.seq - expected;
    const text = `reports ${expected} to ${report.seq - 1} are missing`;
    raiseFinding(fleet, fold, { code: "REPORTS_MISSING", text, evidence: statement }, now_ms, sink);
  }
  return true;
}

function applyTelemetry(
  fleet: FleetFold,
  fold: DeviceFold,
  report: Extract<Report, { kind: "telemetry" }>,
  statement: string,
  now_ms: number,
  sink: FoldSink,
): void {
  const { body, window } = report;
  noticeTimes(fleet, fold, { report, statement }, now_ms, sink);
  fold.implausible = judgeReadings(fleet, fold, { report, statement }, now_ms, sink);
  if (body.xids.length > 0) fold.xid = { statement, worst: worstXid(body.xids) };
  const lateness = lateness_ms(window.end_ms, now_ms, fleet.outages);
  fold.latest = {
    seq: report.seq,
    statement,
    window_end_ms: window.end_ms,
    received_ms: now_ms,
    presence: body.presence,
    util_permille: body.util_permille?.mean ?? null,
    sm_activity_permille: body.sm_activity_permille?.mean ?? null,
    power_mw: body.power_mw?.mean ?? null,
    temp_mc: body.temp_mc?.mean ?? null,
    fb_used_mib: body.fb_used_mib?.mean ?? null,
  };
  if (lateness > fleet.policy.late_after_ms) return;
  observeConditions(fold, body, window, fleet.policy);
  const bad = conditions.some(
    ({ cause, state }) => state !== "watch" && fold.conditions[cause]?.active === true,
  );
  fold.bad_since_ms = bad ? (fold.bad_since_ms ?? now_ms) : null;
  if (lateness <= fleet.policy.stale_after_ms) {
    fold.fresh_ms = now_ms;
    fold.back_ms = null;
  }
}

function applyInventory(
  fleet: FleetFold,
  fold: DeviceFold,
  { idx, statement, report }: AcceptedReport & { report: Extract<Report, { kind: "inventory" }> },
  now_ms: number,
  sink: FoldSink,
): void {
  const { body } = report;
  const weak = weakIdentityOf(body.uuid);
  const holder = fleet.identities.get(weak);
  if (holder === undefined && fold.held === null) {
    fleet.identities.set(weak, fold.device);
    fold.held = weak;
  } else if (holder !== undefined && holder !== fold.device) {
    // A newcomer on a taken identity waits outside; the incumbent is told, not harmed. Whose silicon it is, both are asked.
    const incumbent = fleet.devices.get(holder);
    if (fold.dispute === null) {
      fold.yields_to = incumbent?.id ?? null;
      fold.challenge_wanted = true;
      if (incumbent !== undefined) incumbent.challenge_wanted = true;
    }
    fold.dispute ??= "identity_taken";
    const text = `devices ${holder} and ${fold.device} both claim GPU ${body.uuid}`;
    const finding = { code: "IDENTITY_TAKEN", text, evidence: statement };
    raiseFinding(fleet, fold, finding, now_ms, sink);
    if (incumbent !== undefined) raiseFinding(fleet, incumbent, finding, now_ms, sink);
  }
  const before = fold.inventory;
  if (before !== null && before.weak_identity !== weak) {
    // One key, one GPU: which of the two its title stands for is nobody's to say here.
    fold.dispute ??= "identity_changed";
    const text = `the key has moved from GPU ${before.uuid} to ${body.uuid}`;
    raiseFinding(fleet, fold, { code: "IDENTITY_CHANGED", text, evidence: statement }, now_ms, sink);
  }
  if (before === null) noticeNewGpu(fleet, fold, { uuid: body.uuid, statement }, now_ms, sink);
  const marks = noticeChanges(fleet, fold, before, { statement, marks: marksOf(body) }, now_ms, sink);
  const implausible = judgeInventory(body);
  for (const { code, evidence: text } of implausible) {
    raiseFinding(fleet, fold, { code, text, evidence: statement }, now_ms, sink);
  }
  const declared = declaredOf(body);
  // Evidence was held against what was declared before: it has to be joined anew.
  if (fold.silicon !== null && JSON.stringify(before?.declared) !== JSON.stringify(declared)) {
    fold.challenge_wanted = true;
  }
  fold.former = before && { statement: before.statement, material: before.material };
  fold.inventory = {
    statement,
    idx,
    uuid: body.uuid,
    name: body.name,
    serial: body.serial,
    weak_identity: weak,
    declared,
    claims: claimsOf(body),
    implausible,
    marks,
    material: materialOf(body),
  };
}

/** A pause is announced beforehand, capped, and not taken again at once: it must not become a place to hide. */
function applyPause(
  fleet: FleetFold,
  fold: DeviceFold,
  body: { from_ms: number; until_ms: number },
  now_ms: number,
): void {
  const { pause_max_ms, pause_spacing_ms } = fleet.policy;
  const from_ms = Math.max(body.from_ms, now_ms);
  const until_ms = Math.min(body.until_ms, from_ms + pause_max_ms);
  const tooSoon = fold.pause !== null && from_ms < fold.pause.until_ms + pause_spacing_ms;
  if (until_ms <= from_ms || tooSoon) return;
  fold.pause = { from_ms, until_ms };
}

function gapText(body: Extract<Report, { kind: "gap" }>["body"]): string {
  const dropped =
    body.dropped === null ? "" : `, reports ${body.dropped.from_seq} to ${body.dropped.to_seq} dropped`;
  return `${body.reason} from ${new Date(body.from_ms).toISOString()} to ${new Date(body.to_ms).toISOString()}${dropped}`;
}
