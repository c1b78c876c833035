import type { HealthCause } from "../../protocol/health/healthCause.js";
import type { HealthState } from "../../protocol/health/healthState.js";
import type { ChainBody } from "../../protocol/log/entryBodies.js";
import type { MintAuthorization, TitleReplacement, TitleRotation } from "../../protocol/report/schema.js";
import type { ReplacementHindered, ReplacementTold } from "../replacement/replacementOrders.js";

/** A live, undisputed device with an inventory on record and no token yet. */
export type TitleCandidate = {
  device: string;
  /** Keys that spoke for it before: a mint to one of them may be under way. */
  former: readonly string[];
  host: string;
  /** 91-byte SPKI of the device key. */
  spki: Buffer;
  recipient: string;
  /** 64 hex characters. */
  weak_identity: string;
  /** 64 hex characters; null when its silicon has not answered, or not lately. */
  strong_identity: string | null;
  /** Statement of the latest inventory, 64 hex characters. */
  evidence: string;
  /** Bit 0: key in a TPM. Bit 1: identity from silicon. */
  assurance: number;
};

export type Consent = { device: string; authorization: MintAuthorization; signature: string };

export type TokenHealth = {
  device: string;
  /** The key that the chain has for the token; another than `device` once that has been rotated. */
  key: string;
  token_id: bigint;
  /** Strictly increasing per device with every step of its health, and whenever `assured_until_ms` is another. */
  sequence: number;
  state: HealthState;
  cause: HealthCause;
  since_ms: number;
  /** 64 hex characters: the statement, or SHA-256 of the tick entry, that shows it. */
  evidence_hash: string;
  /** Until when the device's silicon counts; null when it does not. */
  assured_until_ms: number | null;
};

/** A token whose hardware facts have changed since it was minted or last amended. */
export type AmendmentWish = { device: string; token_id: bigint; evidence: string; assurance: number };

/** A token whose device goes on under another key than the one that the chain has. */
export type RotationWish = {
  device: string;
  /** 91-byte SPKI of the device's key. */
  spki: Buffer;
  token_id: bigint;
  /** The key that the chain has, as far as the registry knows, and its SPKI. */
  key: string;
  key_spki: Buffer;
  /** All keys before the one in force. */
  former: readonly string[];
  /** Statement of the rotate report that led to the key in force, 64 hex characters. */
  evidence: string;
  assurance: number;
  /** What both keys have signed; null when they were not asked, or have not answered. */
  signed: { rotation: TitleRotation; old_signature: string; new_signature: string } | null;
};

/** A token that another device is to stand in for, by order of a person. */
export type ReplacementWish = {
  token_id: bigint;
  /** Who has the title as far as the registry knows, and who is to have it. */
  former: string;
  device: string;
  spki: Buffer;
  weak_identity: string;
  strong_identity: string | null;
  /** Statement of an inventory of the device. */
  evidence: string;
  assurance: number;
  signed: { replacement: TitleReplacement; signature: string } | null;
  /** The consenter's signature; null until it is given. */
  consent: `0x${string}` | null;
};

/**
 * What the chain writer sees of the registry, and what it reports back. Each `record` call is durable when it
 * returns and harmless when repeated.
 */
export type RegistryView = {
  candidates(): TitleCandidate[];
  /** Consents on record of devices that have no token yet. */
  consents(): Consent[];
  amendments(): AmendmentWish[];
  rotations(): RotationWish[];
  replacements(): ReplacementWish[];
  tokenHealth(): TokenHealth[];
  /** The device that has the token on record; null for none. */
  holderOf(token_id: bigint): string | null;
  /** The log's origin line. */
  origin: string;
  logSize(): number;
  /** Root of the log's first `size` entries. */
  rootAt(size: number): Buffer;
  /** A checkpoint of the log as it stands, signed and kept: ask for it when it is about to be anchored. */
  checkpoint(): { size: number; root: Buffer };
  /** The log is not the one whose checkpoint stands on chain: no more of its checkpoints may be signed. */
  haltCheckpoints(why: string): void;
  /** Asks the device's agent, over the downlink, to sign; the answer comes back through `consents`. */
  requestConsent(device: string, authorization: MintAuthorization): void;
  /** Asks likewise for the signatures of both keys; the answer comes back through `rotations`. */
  requestRotation(device: string, rotation: TitleRotation): void;
  /** Asks a device to sign that it stands in; the answer comes back through `replacements`. */
  requestReplacement(device: string, replacement: TitleReplacement): void;
  /** Lets people know what to sign and who must, or what is in the way. */
  tellReplacement(token_id: bigint, told: ReplacementTold | ReplacementHindered): void;
  record(body: ChainBody): void;
};
