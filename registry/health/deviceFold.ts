import type { Assurance } from "../../protocol/events/healthEvent.js";
import type { HealthCause } from "../../protocol/health/healthCause.js";
import type { HealthState } from "../../protocol/health/healthState.js";
import { createSeriesMemory, type SeriesMemory } from "../../protocol/plausibility/matchSeries.js";
import type { InventoryClaims, TelemetryMemory } from "../../protocol/plausibility/telemetryRule.js";
import type {
  Implausibility,
  MintAuthorization,
  Presence,
  TitleReplacement,
  TitleRotation,
  XidEvent,
} from "../../protocol/report/schema.js";
import type { DeclaredGpu } from "./declaredOf.js";
import type { InventoryMarks } from "./marksOf.js";

/** One rule's memory. Times are those of the evidence; null means "not so at the moment". */
export type ConditionMemory = {
  active: boolean;
  bad_since_ms: number | null;
  good_since_ms: number | null;
  value: number | null;
  threshold: number | null;
  /** The facts behind it in words, at most 200 characters; null where the value says all. */
  detail: string | null;
};

/** The last readings, for people and for the API. */
export type LatestReading = {
  seq: number;
  statement: string;
  window_end_ms: number;
  received_ms: number;
  presence: Presence;
  util_permille: number | null;
  sm_activity_permille: number | null;
  power_mw: number | null;
  temp_mc: number | null;
  fb_used_mib: number | null;
};

export type InventoryFacts = {
  statement: string;
  idx: number;
  uuid: string;
  name: string | null;
  serial: string | null;
  weak_identity: string;
  /** What the GPU's own evidence is held against. */
  declared: DeclaredGpu;
  /** What windows are held against. */
  claims: InventoryClaims;
  /** What cannot be true in it; stands until another inventory. */
  implausible: Implausibility[];
  /** What the next inventory is held against; a value once told stays until another is. */
  marks: InventoryMarks;
  /** SHA-256 over the facts that a title relies on; when it changes the token is amended. */
  material: string;
};

export type TokenFacts = {
  chain_id: number;
  contract: string;
  token_id: string;
  tx: string;
  /** What the chain says of the hardware: the material of the inventory that it names. */
  material: string;
  /** Tick of the latest amendment. */
  amended_ms: number | null;
  /** Tick of the latest rotation. */
  rotated_ms: number | null;
  /** The key that the chain has for it. The device may have rotated since. */
  key: string;
};

/** A key that signs no more, and the report that said so: the last of its part of the chain. */
export type EndedKey = { device: string; last_seq: number; statement: string };

/** A challenge that waits for its answer. */
export type OpenChallenge = {
  challenge: string;
  /** Place of its entry in the log. */
  idx: number;
  /** Tick of that entry. */
  issued_ms: number;
  expires_ms: number;
  /** Statements that the chain has ended with since, newest last: the nonce must name one of them. */
  heads: string[];
};

/** What the device's GPU has proved of itself. */
export type SiliconFacts = {
  strong_identity: string;
  /** Statement of the latest report that showed it. */
  statement: string;
  /** Tick of that report, and its time after the challenge's: a relayed answer is slower. */
  at_ms: number;
  latency_ms: number;
  /** True when it was not shown again in time: the identity is only declared until it is. */
  lapsed: boolean;
};

/** All that is known of one device: a fold over the log, plain data, kept as JSON. */
export type DeviceFold = {
  id: number;
  device: string;
  host: string;
  label: string;
  simulated: boolean;
  recipient: string;
  /** Where its key was shown to live when it enrolled. */
  key: Assurance["key"];
  enrolled_ms: number;
  /** Log index of the entry that enrolled it: the devices of one enrolment have it in common. */
  enrolment: number;
  /** Keys that spoke for this GPU before the one in force, oldest first, each with the report that ended it. */
  former_keys: EndedKey[];
  /** The report that ended the device for good; null while it is in service. */
  retired: (EndedKey & { reason: string }) | null;
  head: { seq: number; statement: string; window_end_ms: number } | null;
  /** The latest boots that moved the head, newest last, each with its latest statement. */
  boots: { boot: string; statement: string }[];
  /** Since which report, by the log's time, windows have come late, and named beacons that are old; null: the last one did not. */
  times: Record<"behind" | "oldBeacon", { since_ms: number; statement: string } | null>;
  /** Reports that a jump left out and that have not come since. */
  missing: number;
  state: HealthState;
  cause: HealthCause;
  since_ms: number;
  evidence: string;
  /** Count of events so far; the sequence of the next is one more. */
  sequence: number;
  /** Sequence, of those events, of the last one that the chain is told: a step of health, or presence. */
  health_sequence: number;
  /** Until when its silicon counts, as told with that event: the chain takes nothing else under one sequence. */
  assured_until_ms: number | null;
  /** Arrival of the latest fresh telemetry; null until the first. */
  fresh_ms: number | null;
  /** When the registry came back from a silence of its own that was too long; null since the last fresh telemetry. */
  back_ms: number | null;
  dispute: "equivocation" | "identity_taken" | "identity_changed" | null;
  /** Since when the device has been lost or impaired without a break. */
  bad_since_ms: number | null;
  pause: { from_ms: number; until_ms: number } | null;
  /** Rules that are active, or on the way: of the others there is nothing to remember. */
  conditions: Record<string, ConditionMemory>;
  ecc_aggregate_uncorrectable: number | null;
  latest: LatestReading | null;
  /** What the next window's readings are held against. */
  before: TelemetryMemory | null;
  series: SeriesMemory;
  /** What was wrong with the latest window's readings. */
  implausible: Implausibility[];
  /** The last window that told Xids, and what it told: its worst one. */
  xid: { statement: string; worst: XidEvent } | null;
  inventory: InventoryFacts | null;
  /** The inventory before: a transaction under way may still name it. */
  former: { statement: string; material: string } | null;
  /** The weak identity that this device was the first to show: a key stands for one GPU. */
  held: string | null;
  /** When the GPU was last asked for evidence: tick; null when it never was. */
  challenged_ms: number | null;
  challenge: OpenChallenge | null;
  /** True when something has happened that only a fresh answer can settle. */
  challenge_wanted: boolean;
  /** Challenges since the last good answer that had none. */
  challenges_missed: number;
  silicon: SiliconFacts | null;
  /** Silicon that it showed in the present dispute and that is not its own: another device holds it, or its key held another. */
  contested: SiliconFacts | null;
  /**
   * Number of the one device that may take silicon from it: who was there before it when its GPU came into dispute, or whose the
   * GPU is since by a decision. Null when it may be taken by none.
   */
  yields_to: number | null;
  consent: { authorization: MintAuthorization; signature: string; statement: string } | null;
  token: TokenFacts | null;
  /** What the token's key and the one in force have signed, so that the token follows. */
  title_rotation: {
    rotation: TitleRotation;
    old_signature: string;
    new_signature: string;
    statement: string;
  } | null;
  /** What it has signed to stand in for a title, and the material of the inventory that this names. */
  title_replacement: {
    replacement: TitleReplacement;
    signature: string;
    statement: string;
    material: string;
  } | null;
  /** The device that took its title over; null while nothing has, and again when it stands in for a title itself. */
  replaced_by: string | null;
  /** The key in force when that was: it had a title, and can stand in for none. The next one can. */
  replaced_key: string | null;
  /** Findings of one code are told once in a while; the rest are counted. */
  findings: Record<string, { told_ms: number; held: number }>;
};

export function createDeviceFold(
  start: Pick<
    DeviceFold,
    "id" | "device" | "host" | "label" | "simulated" | "recipient" | "key" | "enrolled_ms" | "enrolment"
  >,
): DeviceFold {
  return {
    ...start,
    former_keys: [],
    retired: null,
    head: null,
    boots: [],
    times: { behind: null, oldBeacon: null },
    missing: 0,
    // Nothing is good until fresh evidence says so.
    state: "stale",
    cause: "never_reported",
    since_ms: start.enrolled_ms,
    evidence: "",
    sequence: 0,
    health_sequence: 0,
    assured_until_ms: null,
    fresh_ms: null,
    back_ms: null,
    dispute: null,
    bad_since_ms: null,
    pause: null,
    conditions: {},
    ecc_aggregate_uncorrectable: null,
    latest: null,
    before: null,
    series: createSeriesMemory(),
    implausible: [],
    xid: null,
    inventory: null,
    former: null,
    held: null,
    challenged_ms: null,
    challenge: null,
    challenge_wanted: false,
    challenges_missed: 0,
    silicon: null,
    contested: null,
    yields_to: null,
    consent: null,
    token: null,
    title_rotation: null,
    title_replacement: null,
    replaced_by: null,
    replaced_key: null,
    findings: {},
  };
}
