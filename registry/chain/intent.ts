import type { Hex } from "viem";
import type { MintAuthorization, TitleReplacement, TitleRotation } from "../../protocol/report/schema.js";

export type MintPayload = {
  device: string;
  /** 91-byte SPKI, hex. */
  spki: string;
  authorization: MintAuthorization;
  /** r‖s, 128 hex characters. */
  signature: string;
};

/** One token's health as CaliberHealth takes it; times are Unix seconds. */
export type HealthLeaf = {
  token_id: string;
  sequence: number;
  state: number;
  cause: number;
  since_s: number;
  valid_until_s: number;
  /** 0 when no silicon evidence stands behind it. */
  assured_until_s: number;
  evidence_hash: Hex;
};

export type PostPayload = {
  epoch: number;
  fleet_root: Hex;
  fleet_size: number;
  fleet_until_s: number;
  transitions: HealthLeaf[];
  /** Words of the liveness bitmap, and until when they count; left out of a post that has none. */
  liveness?: { words: Hex[]; until_s: number };
};

export type AnchorPayload = { origin: Hex; size: number; root: Hex };

export type AmendPayload = { device: string; token_id: string; evidence: Hex; assurance: number };

/** SPKIs are 91 bytes, signatures r‖s; both hex. */
export type RotatePayload = {
  device: string;
  /** The key that the chain has. */
  key: string;
  rotation: TitleRotation;
  old: { spki: string; signature: string };
  next: { spki: string; signature: string };
};

/** SPKI 91 bytes, the device's signature r‖s, both hex; the consenter's as its account makes them. */
export type ReplacePayload = {
  device: string;
  /** Who had the title, and the key that the chain had for it. */
  former: string;
  key: string;
  replacement: TitleReplacement;
  spki: string;
  signature: string;
  consent: Hex;
};

/** What is wanted on chain. Numbers that can pass 2^53 are decimal strings: payloads are stored as JSON. */
export type IntentWork =
  | { kind: "mint"; payload: MintPayload }
  | { kind: "post"; payload: PostPayload }
  | { kind: "anchor"; payload: AnchorPayload }
  | { kind: "amend"; payload: AmendPayload }
  | { kind: "rotate"; payload: RotatePayload }
  | { kind: "replace"; payload: ReplacePayload };
export type IntentKind = IntentWork["kind"];

/**
 * - `wanted`: no transaction that counts.
 * - `signed`: a transaction with a nonce is stored; it may or may not have been sent.
 * - `mined`: the effect is on chain, not yet confirmed or not yet recorded.
 * - `done`: confirmed and recorded. `failed`: the chain refuses it. `obsolete`: no longer of use.
 *
 * The last three are final for as long as the block they rest on is canonical.
 */
export type IntentState = "wanted" | "signed" | "mined" | "done" | "failed" | "obsolete";

export type IntentBlock = { number: number; hash: Hex };

export type Intent = IntentWork & {
  id: string;
  state: IntentState;
  /** Account nonce of the stored transactions; null while there is none that counts. */
  nonce: number | null;
  /** The transaction that had the effect (or reverted), and its block. */
  tx: Hex | null;
  block: IntentBlock | null;
  /** How often it was signed. */
  attempts: number;
  last_error: string | null;
  created_ms: number;
  updated_ms: number;
};

/** A signed transaction of an intent. Replacements share the nonce; any of them may be the one that is mined. */
export type SignedTx = {
  hash: Hex;
  raw: Hex;
  nonce: number;
  gas: bigint;
  max_fee_wei: bigint;
  max_priority_fee_wei: bigint;
  signed_ms: number;
};

/** The same work has the same name, whoever plans it and however often. */
export function intentId(work: IntentWork): string {
  switch (work.kind) {
    case "mint":
      return `mint:${work.payload.device}:${work.payload.authorization.nonce}`;
    case "post":
      return `post:${work.payload.epoch}`;
    case "anchor":
      return `anchor:${work.payload.size}`;
    case "amend":
      return `amend:${work.payload.token_id}:${work.payload.evidence}`;
    case "rotate":
      return `rotate:${work.payload.rotation.token_id}:${work.payload.device}:${work.payload.rotation.nonce}`;
    case "replace":
      return `replace:${work.payload.replacement.token_id}:${work.payload.device}`;
  }
}
