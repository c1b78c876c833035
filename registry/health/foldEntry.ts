import type {
  ChainBody,
  ChallengeEntry,
  DecisionBody,
  FindingBody,
  KeyBody,
  PolicyBody,
  RejectBody,
  TickBody,
} from "../../protocol/log/entryBodies.js";
import { applyChallenge } from "./applyChallenge.js";
import { applyDecision } from "./applyDecision.js";
import { retireDevice, rotateKey } from "./applyKeyEnd.js";
import { type AcceptedReport, applyReport, step } from "./applyReport.js";
import { createDeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import { foldOf } from "./foldOf.js";
import type { FoldSink } from "./foldSink.js";
import { lapseSilicon } from "./lapseSilicon.js";
import { materialNamed } from "./materialNamed.js";
import { type HealthPolicy, healthPolicies } from "./policy.js";
import { raiseFinding } from "./raise.js";
import { rememberBeacon } from "./rememberBeacon.js";
import { replaceDevice } from "./replaceDevice.js";

/** One log entry, decoded. Reports come parsed: their bytes were checked when they were let in. */
export type FoldEntry =
  | ({ kind: "report" } & AcceptedReport)
  | { kind: "key"; idx: number; body: KeyBody }
  | { kind: "finding"; idx: number; body: FindingBody }
  | { kind: "reject"; idx: number; body: RejectBody }
  | { kind: "chain"; idx: number; body: ChainBody }
  | { kind: "policy"; idx: number; body: PolicyBody }
  | { kind: "challenge"; idx: number; body: ChallengeEntry }
  | { kind: "decision"; idx: number; body: DecisionBody };

/**
 * Folds one commit in: its entries, then the tick that closes it. Ticks are the only clock, so that a replay of the
 * log gives the same tables and the same events.
 */
export function foldCommit(
  fleet: FleetFold,
  entries: readonly FoldEntry[],
  tick: { idx: number; body: TickBody },
  sink: FoldSink,
): void {
  const now_ms = tick.body.received_at_ms;
  noticeOutage(fleet, now_ms, tick.idx, sink);
  for (const entry of entries) applyEntry(fleet, entry, now_ms, sink);
  const { eval_every_ms } = fleet.policy;
  const before_ms = fleet.last_tick_ms;
  if (before_ms === null || Math.floor(before_ms / eval_every_ms) !== Math.floor(now_ms / eval_every_ms)) {
    const evidence = `tick:${tick.idx}`;
    for (const fold of fleet.devices.values()) {
      lapseSilicon(fleet, fold, now_ms, evidence, sink);
      step(fleet, fold, now_ms, evidence, sink);
    }
  }
  fleet.last_tick_ms = now_ms;
  fleet.next_idx = tick.idx + 1;
}

/** The registry's own silence shows as a hole between ticks: it is not held against the devices, nor hidden. */
function noticeOutage(fleet: FleetFold, now_ms: number, idx: number, sink: FoldSink): void {
  const from_ms = fleet.last_tick_ms;
  if (from_ms === null || now_ms - from_ms <= fleet.policy.outage_after_ms) return;
  const outage = { from_ms, to_ms: now_ms };
  fleet.outages.push(outage);
  sink.outage(outage);
  for (const fold of fleet.devices.values()) {
    // Its answer, if there was one, found nobody here.
    if (fold.challenge !== null) sink.changed(fold);
    fold.challenge = null;
    if (fold.fresh_ms === null) continue;
    // Who was silent before the registry was stays so.
    if (fold.state === "stale" && fold.cause === "device_silent") continue;
    const isLong = now_ms - from_ms > fleet.policy.stale_after_ms;
    if (isLong || fold.back_ms !== null) fold.back_ms = now_ms;
    else fold.fresh_ms += now_ms - from_ms;
    sink.changed(fold);
    step(fleet, fold, now_ms, `tick:${idx}`, sink);
  }
}

function applyEntry(fleet: FleetFold, entry: FoldEntry, now_ms: number, sink: FoldSink): void {
  switch (entry.kind) {
    case "report": {
      const fold = foldOf(fleet, entry.report.device);
      if (fold !== undefined) applyReport(fleet, fold, entry, now_ms, sink);
      return;
    }
    case "key":
      applyKey(fleet, entry, now_ms, sink);
      return;
    case "chain":
      applyChain(fleet, entry.body, now_ms, sink);
      return;
    case "policy":
      // A log may be older than the latest of the numbers. One from before presence was told has events without it, whose
      // sequences stand on chain.
      fleet.policy = {
        ...healthPolicies.standard,
        presence_renew_ms: null,
        ...(entry.body.values as Partial<HealthPolicy>),
      };
      return;
    case "challenge": {
      const fold = foldOf(fleet, entry.body.device);
      if (fold !== undefined) applyChallenge(fold, entry.idx, entry.body, now_ms, sink);
      return;
    }
    case "decision": {
      const fold = foldOf(fleet, entry.body.device);
      if (fold !== undefined) applyDecision(fleet, fold, entry, now_ms, sink);
      return;
    }
    case "reject": {
      const fold = foldOf(fleet, entry.body.device);
      // A bad signature under somebody else's name is the sender's doing, not the device's.
      if (fold === undefined || fold.host !== entry.body.host) return;
      const { code, digest } = entry.body;
      const text = `a report was refused: ${code}`;
      raiseFinding(fleet, fold, { code, text, evidence: digest }, now_ms, sink);
      return;
    }
    case "finding": {
      const fold = foldOf(fleet, entry.body.device);
      if (fold === undefined) return;
      const { code, text } = entry.body;
      raiseFinding(fleet, fold, { code, text, evidence: `entry:${entry.idx}` }, now_ms, sink);
      // By a key that was rotated out it is on record and harms nobody: whoever stole it could sign that any day.
      if (code !== "EQUIVOCATION" || fold.device !== entry.body.device) return;
      fold.dispute ??= "equivocation";
      step(fleet, fold, now_ms, `entry:${entry.idx}`, sink);
    }
  }
}

function applyKey(
  fleet: FleetFold,
  { idx, body }: { idx: number; body: KeyBody },
  now_ms: number,
  sink: FoldSink,
): void {
  if (body.type === "revoke-host") {
    sink.hostRevoked(body.host);
    return;
  }
  if (body.type === "rotate" || body.type === "retire") {
    const fold = fleet.devices.get(body.device);
    if (fold === undefined) return;
    if (body.type === "rotate") rotateKey(fleet, fold, { idx, body }, now_ms, sink);
    else retireDevice(fleet, fold, { idx, body }, now_ms, sink);
    return;
  }
  // Says who signs from now on; nothing of any device.
  if (body.type === "registry-key") {
    sink.registryKey(idx, body.change);
    return;
  }
  sink.host(body);
  for (const { device, spki, tpm } of body.devices) {
    const fold = createDeviceFold({
      id: fleet.next_device_id++,
      device,
      host: body.host,
      label: body.label,
      simulated: body.simulated,
      recipient: body.recipient,
      key: tpm === undefined ? "software" : "tpm",
      enrolled_ms: body.at_ms,
      enrolment: idx,
    });
    fleet.devices.set(device, fold);
    sink.device(fold, spki);
    sink.changed(fold);
  }
}

function applyChain(fleet: FleetFold, body: ChainBody, now_ms: number, sink: FoldSink): void {
  if (body.type === "anchored" || body.type === "approved") return;
  if (body.type === "beacon") {
    rememberBeacon(fleet.beacons, body);
    sink.beacon(body);
    return;
  }
  const fold = foldOf(fleet, body.device);
  if (fold === undefined) return;
  if (body.type === "replaced") {
    replaceDevice(fleet, fold, body, now_ms, sink);
    return;
  }
  if (body.type === "minted") {
    const { chain_id, contract, token_id, tx } = body;
    // A mint that is found on chain again, its consent long forgotten, is taken to stand for what is there now.
    const named = fold.consent?.authorization.evidence.slice(2) ?? fold.inventory?.statement ?? "";
    const material = materialNamed(fold, named);
    const key = body.device;
    fold.token = { chain_id, contract, token_id, tx, material, amended_ms: null, rotated_ms: null, key };
    fold.consent = null;
  } else if (body.type === "unminted") {
    if (fold.token?.token_id === body.token_id) fold.token = null;
  } else if (body.type === "rotated") {
    if (fold.token?.key === body.former) {
      fold.token.key = body.device;
      fold.token.rotated_ms = now_ms;
    }
    // What was signed for that key is used up; what was signed since is not.
    if (fold.title_rotation?.rotation.new_key_hash === `0x${body.device}`) fold.title_rotation = null;
  } else if (fold.token !== null) {
    fold.token.material = materialNamed(fold, body.evidence);
    fold.token.amended_ms = now_ms;
  }
  sink.changed(fold);
}
