import {
  type Assurance,
  type FindingEvent,
  findingEventType,
  type HealthEvent,
  healthEventType,
  type PresenceEvent,
  presenceEventType,
} from "../../protocol/events/healthEvent.js";
import { printable } from "../../protocol/printable.js";
import type { Assessment } from "./assess.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FleetFold } from "./fleetFold.js";
import type { FoldSink } from "./foldSink.js";
import { presenceUntil } from "./presenceUntil.js";

/** Findings of one code and device are told once in this time; the next one says how many there were. */
const findingSpacing_ms = 10 * 60_000;

/** Moves a device to a new state, with its event. */
export function raiseHealth(
  fleet: FleetFold,
  fold: DeviceFold,
  to: Assessment,
  now_ms: number,
  evidence: string,
  sink: FoldSink,
): void {
  const previous = fold.state;
  fold.state = to.state;
  fold.cause = to.cause;
  fold.since_ms = now_ms;
  fold.evidence = evidence;
  fold.sequence += 1;
  fold.health_sequence = fold.sequence;
  fold.assured_until_ms = presenceUntil(fleet, fold);
  const event: HealthEvent = {
    ...attributes(fleet, fold, now_ms),
    type: healthEventType,
    data: {
      device: fold.device,
      host: fold.host,
      simulated: fold.simulated,
      previous,
      current: to.state,
      cause: to.cause,
      value: to.value,
      threshold: to.threshold,
      detail: to.detail,
      since_ms: now_ms,
      evidence,
      assurance: assuranceOf(fold),
    },
  };
  sink.event(fold, event);
  sink.changed(fold);
}

/** Tells until when the device's silicon counts, under a sequence of its own. */
export function raisePresence(
  fleet: FleetFold,
  fold: DeviceFold,
  now_ms: number,
  evidence: string,
  sink: FoldSink,
): void {
  fold.sequence += 1;
  fold.health_sequence = fold.sequence;
  fold.assured_until_ms = presenceUntil(fleet, fold);
  const event: PresenceEvent = {
    ...attributes(fleet, fold, now_ms),
    type: presenceEventType,
    data: {
      device: fold.device,
      host: fold.host,
      simulated: fold.simulated,
      assured_until_ms: fold.assured_until_ms,
      evidence,
      assurance: assuranceOf(fold),
    },
  };
  sink.event(fold, event);
  sink.changed(fold);
}

/** Tells a finding, or counts it when the same code was told a moment ago. */
export function raiseFinding(
  fleet: FleetFold,
  fold: DeviceFold,
  finding: { code: string; text: string; evidence: string },
  now_ms: number,
  sink: FoldSink,
): void {
  const before = fold.findings[finding.code];
  sink.changed(fold);
  if (before !== undefined && now_ms - before.told_ms < findingSpacing_ms) {
    before.held += 1;
    return;
  }
  fold.findings[finding.code] = { told_ms: now_ms, held: 0 };
  fold.sequence += 1;
  const event: FindingEvent = {
    ...attributes(fleet, fold, now_ms),
    type: findingEventType,
    data: {
      device: fold.device,
      host: fold.host,
      simulated: fold.simulated,
      code: finding.code,
      // Readings and names in it are the host's words.
      text: printable(finding.text),
      evidence: finding.evidence,
      count: 1 + (before?.held ?? 0),
    },
  };
  sink.event(fold, event);
}

export function subjectOf(fold: DeviceFold): string {
  return fold.token === null
    ? `urn:caliber:device:${fold.device}`
    : `did:erc721:${fold.token.chain_id}:${fold.token.contract}:${fold.token.token_id}`;
}

/** How the claims about a device are known. Without silicon that answers, identity is what the host declares. */
export function assuranceOf({ key, silicon }: DeviceFold): Assurance {
  return {
    key,
    identity: silicon !== null && !silicon.lapsed ? "silicon" : "declared",
    presence_at_ms: silicon?.at_ms ?? null,
  };
}

function attributes(fleet: FleetFold, fold: DeviceFold, now_ms: number) {
  return {
    specversion: "1.0" as const,
    id: `${fold.device.slice(0, 32)}-${fold.sequence}`,
    source: `caliber:log:${fleet.origin}`,
    subject: subjectOf(fold),
    time: new Date(now_ms).toISOString(),
    datacontenttype: "application/json" as const,
    sequence: String(fold.sequence).padStart(20, "0"),
  };
}
