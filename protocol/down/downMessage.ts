import type { ChainHead } from "../chain/chainHead.js";
import type { RegistryKeyChange } from "../registryKey/registryKeyChange.js";
import type { MintAuthorization, TitleReplacement, TitleRotation } from "../report/schema.js";

/** What one commit did with one host's reports. */
export type ReceiptBody = {
  type: "receipt";
  received_at_ms: number;
  /** Reports kept by this commit, or known from an earlier one: their place in the log. */
  kept: { device: string; seq: number; statement: string; idx: number }[];
  /** Reports refused, by SHA-256 of the envelope as it arrived; the bytes are kept with the reason. */
  refused: { device: string; digest: string; code: string }[];
};

/** Where each of the host's chains stands in the log. Answers the `nonce` of the host's presence message. */
export type HeadBody = {
  type: "head";
  nonce: string;
  heads: { device: string; head: ChainHead | null }[];
};

/** A recent block: what is signed with it in hand was signed after it. */
export type BeaconBody = { type: "beacon"; number: number; hash: string; time_ms: number };

/** A checkpoint stands on chain: entries below `size` cannot be lost any more. */
export type AnchoredBody = { type: "anchored"; size: number; root: string; tx: string };

/** Asks a device to consent to its token. The agent checks each field against what it knows itself. */
export type MintRequestBody = { type: "mint-request"; device: string; authorization: MintAuthorization };

/**
 * Asks a device's GPU to sign a nonce made of these 32 random bytes (evidenceNonce). Good once, and until the message
 * expires.
 */
export type ChallengeBody = { type: "challenge"; device: string; challenge: string };

/**
 * Asks for the signatures of the key that the device's title names and of the one in force, so that the title follows. The
 * agent checks each field.
 */
export type RotationRequestBody = { type: "rotation-request"; device: string; rotation: TitleRotation };

/** Asks a device to sign that it stands in behind a title that another device had. The agent checks each field. */
export type ReplacementRequestBody = {
  type: "replacement-request";
  device: string;
  replacement: TitleReplacement;
};

/** The device's title names the key in force: those before it are needed no more. */
export type TitleKeyBody = { type: "title-key"; device: string };

/** Signed by the key that it leads away from: what comes after is signed by the next one. */
export type RegistryKeyBody = { type: "registry-key"; change: RegistryKeyChange };

export type DownBody =
  | ReceiptBody
  | HeadBody
  | BeaconBody
  | AnchoredBody
  | MintRequestBody
  | RotationRequestBody
  | ReplacementRequestBody
  | TitleKeyBody
  | ChallengeBody
  | RegistryKeyBody;

/** Everything the registry tells a host, signed: audience, strictly increasing sequence, expiry. */
export type DownMessage = {
  v: 1;
  aud: string;
  /** Greater than that of every earlier message to this host, across restarts of the registry. */
  seq: number;
  issued_ms: number;
  expires_ms: number;
  body: DownBody;
};
