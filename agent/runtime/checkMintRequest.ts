import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { CaliberError } from "../../protocol/errors.js";
import { originHash } from "../../protocol/log/originHash.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import type { TitleContract } from "./parseTitleContract.js";

/** What the agent knows itself of the device that is asked for its consent. */
export type OwnFacts = {
  device: string;
  uuid: string;
  recipient: string;
  log_origin: string;
  /** The contract that this device consents to; null before the first consent. */
  contract: TitleContract | null;
  /** The token that GPUs of this host stand in for; null for none. */
  stands_in_for: string | null;
  isOwnInventory(statement: string): boolean;
  /** Whether this device's key was enrolled as one in a TPM. */
  in_tpm: boolean;
  /** Strong identity that this device's GPU has shown the registry, hex; null when it never did. */
  silicon: string | null;
  now_ms: number;
};

export type MintRefusalCode =
  | "MINT_MALFORMED"
  | "MINT_STANDS_IN"
  | "MINT_DEVICE_MISMATCH"
  | "MINT_IDENTITY_MISMATCH"
  | "MINT_STRONG_IDENTITY"
  | "MINT_EVIDENCE_UNKNOWN"
  | "MINT_RECIPIENT_MISMATCH"
  | "MINT_ORIGIN_MISMATCH"
  | "MINT_ASSURANCE_TOO_HIGH"
  | "MINT_CONTRACT_CHANGED"
  | "MINT_DEADLINE";

const longest_s = 24 * 3600;
/** Bits 0 and 1 of the contract's assurance. */
const keyInTpm = 1;
const identityFromSilicon = 2;
const zeroWord = `0x${"0".repeat(64)}`;

const word = /^0x[0-9a-f]{64}$/;
const address = /^0x[0-9a-f]{40}$/;
const uint = /^(0|[1-9][0-9]{0,77})$/;
const shapes = {
  contract: address,
  recipient: address,
  device_key_hash: word,
  strong_identity: word,
  weak_identity: word,
  evidence: word,
  log_origin: word,
  header_hash: word,
  predecessor: uint,
  nonce: uint,
  deadline: uint,
} as const;

/**
 * Holds a mint request against what this host knows. The registry signed it, but the device consents for itself: a
 * registry gone bad must not get a title over another GPU, one for somebody else, or two on two contracts.
 *
 * @returns the authorization with its known fields only, fit to be signed.
 * @throws CaliberError a MintRefusalCode
 */
export function checkMintRequest(asked: MintAuthorization, own: OwnFacts): MintAuthorization {
  const authorization = takeApart(asked);
  const { device_key_hash, weak_identity, strong_identity, evidence, deadline } = authorization;
  if (own.stands_in_for !== null) {
    // A key can have one title only: with one of its own it could stand in no more.
    throw refuse("MINT_STANDS_IN", `GPUs of this host are kept for token ${own.stands_in_for}`);
  }
  if (device_key_hash !== `0x${own.device}`) {
    throw refuse("MINT_DEVICE_MISMATCH", "the title is for another device's key");
  }
  if (weak_identity !== `0x${weakIdentityOf(own.uuid)}`) {
    throw refuse("MINT_IDENTITY_MISMATCH", "the title names another GPU's UUID");
  }
  if (strong_identity !== zeroWord && strong_identity !== `0x${own.silicon}`) {
    throw refuse("MINT_STRONG_IDENTITY", "the title claims a silicon identity that this agent has not shown");
  }
  if (!own.isOwnInventory(evidence.slice(2))) {
    throw refuse("MINT_EVIDENCE_UNKNOWN", "the evidence is not an inventory that this device signed");
  }
  if (authorization.recipient !== own.recipient) {
    throw refuse(
      "MINT_RECIPIENT_MISMATCH",
      "the title would go to another address than the one enrolled for",
    );
  }
  if (authorization.log_origin !== originHash(own.log_origin)) {
    throw refuse("MINT_ORIGIN_MISMATCH", "the title names another log than the one enrolled with");
  }
  const shown = (own.in_tpm ? keyInTpm : 0) | (strong_identity === zeroWord ? 0 : identityFromSilicon);
  if (authorization.assurance > 255 || (authorization.assurance & ~shown) !== 0) {
    throw refuse("MINT_ASSURANCE_TOO_HIGH", "the title claims more assurance than this agent can show");
  }
  const asked_contract = `${authorization.chain_id}:${authorization.contract}`;
  if (own.contract !== null && own.contract !== asked_contract) {
    throw refuse(
      "MINT_CONTRACT_CHANGED",
      `the title is on ${asked_contract}, and this device consents to ${own.contract} alone; should the lender have moved, start the agent with --accept-contract ${asked_contract}`,
    );
  }
  const now_s = BigInt(Math.floor(own.now_ms / 1000));
  const left_s = BigInt(deadline) - now_s;
  if (left_s <= 0n || left_s > BigInt(longest_s)) {
    throw refuse("MINT_DEADLINE", "the deadline is not within the next 24 hours");
  }
  return authorization;
}

function takeApart(asked: MintAuthorization): MintAuthorization {
  const { chain_id, assurance } = asked;
  const fields: Record<string, unknown> = asked;
  for (const [name, shape] of Object.entries(shapes)) {
    const value = fields[name];
    if (typeof value !== "string" || !shape.test(value))
      throw refuse("MINT_MALFORMED", `${name} is malformed`);
  }
  if (!Number.isSafeInteger(chain_id) || chain_id < 1)
    throw refuse("MINT_MALFORMED", "chain_id is malformed");
  if (!Number.isInteger(assurance) || assurance < 0) throw refuse("MINT_MALFORMED", "assurance is malformed");
  return {
    chain_id,
    contract: asked.contract,
    recipient: asked.recipient,
    device_key_hash: asked.device_key_hash,
    strong_identity: asked.strong_identity,
    weak_identity: asked.weak_identity,
    evidence: asked.evidence,
    log_origin: asked.log_origin,
    header_hash: asked.header_hash,
    assurance,
    predecessor: asked.predecessor,
    nonce: asked.nonce,
    deadline: asked.deadline,
  };
}

function refuse(code: MintRefusalCode, message: string): CaliberError<MintRefusalCode> {
  return new CaliberError(code, message);
}
