import type { HealthCause } from "../health/healthCause.js";
import type { HealthState } from "../health/healthState.js";

export const healthEventType = "io.caliber.collateral.health.v1";
export const presenceEventType = "io.caliber.collateral.presence.v1";
export const findingEventType = "io.caliber.collateral.finding.v1";

/** CloudEvents 1.0, structured JSON. One step of one device's health. */
export type HealthEvent = CloudEvent<
  typeof healthEventType,
  {
    device: string;
    host: string;
    /** True when the readings come from a simulator. */
    simulated: boolean;
    previous: HealthState;
    current: HealthState;
    cause: HealthCause;
    /** The reading that decided, and the bound it was held against; null where the cause has none. */
    value: number | null;
    threshold: number | null;
    /** The facts behind it in words, at most 200 characters: which Xid, which readings; null where the value says all. */
    detail: string | null;
    since_ms: number;
    /** Statement hash of the report that shows it, or the tick's index as `tick:<idx>` when silence does. */
    evidence: string;
    assurance: Assurance;
  }
>;

/** A finding: something that nobody may explain away later, such as two statements for one seq. */
export type FindingEvent = CloudEvent<
  typeof findingEventType,
  {
    device: string;
    host: string;
    simulated: boolean;
    code: string;
    text: string;
    evidence: string;
    count: number;
  }
>;

/**
 * The GPU's silicon has answered again, or counts no longer before its time. State and cause stay; the event is there because
 * the chain is told `assured_until_ms` anew, and takes it under a greater sequence alone.
 */
export type PresenceEvent = CloudEvent<
  typeof presenceEventType,
  {
    device: string;
    host: string;
    simulated: boolean;
    /** Until when the answer counts on chain; null: from now on it does not. */
    assured_until_ms: number | null;
    /** Statement hash of the answer, or `tick:<idx>` where too many challenges had none. */
    evidence: string;
    assurance: Assurance;
  }
>;

export type CaliberEvent = HealthEvent | PresenceEvent | FindingEvent;

/** How each claim is known, claim by claim. */
export type Assurance = {
  key: "software" | "tpm";
  identity: "declared" | "silicon";
  /** When the GPU's silicon last answered a challenge; null when it never did. */
  presence_at_ms: number | null;
};

type CloudEvent<Type extends string, Data> = {
  specversion: "1.0";
  /** Unique with `source`, and the same again when the log is replayed. */
  id: string;
  source: string;
  type: Type;
  /** `did:erc721:<chainId>:<contract>:<tokenId>`, before minting `urn:caliber:device:<id>`. */
  subject: string;
  /** RFC 3339: the tick at which the registry decided. */
  time: string;
  datacontenttype: "application/json";
  /** Strictly increasing per device, 20 digits so that it also sorts as text (CloudEvents sequence extension). */
  sequence: string;
  data: Data;
};
