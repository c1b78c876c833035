import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { CaliberError } from "../../protocol/errors.js";
import { originHash } from "../../protocol/log/originHash.js";
import type { TitleReplacement } from "../../protocol/report/schema.js";
import { checkTitleTerms, type TitleRefusalCode } from "./checkTitleTerms.js";
import type { TitleContract } from "./parseTitleContract.js";

/** What the agent knows itself of the device that is asked to stand in. */
export type OwnStandIn = {
  /** The one token that the operator lets this host's GPUs stand in for; null for none. */
  accepted: string | null;
  device: string;
  uuid: string;
  log_origin: string;
  contract: TitleContract | null;
  isOwnInventory(statement: string): boolean;
  in_tpm: boolean;
  /** Strong identity that this device's GPU has shown the registry, hex; null when it never did. */
  silicon: string | null;
  now_ms: number;
};

/** A wallet far away signs as well, and people must have time for it. */
const longest_s = 7 * 24 * 3600;
const zeroWord = `0x${"0".repeat(64)}`;

/**
 * Holds a replacement request against what this host knows, and against what its operator accepted by number: a title that this
 * GPU stands in for belongs to whoever holds the token.
 *
 * @returns the replacement with its known fields only, fit to be signed
 * @throws CaliberError a TitleRefusalCode
 */
export function checkReplacementRequest(asked: TitleReplacement, own: OwnStandIn): TitleReplacement {
  const { strong_identity } = asked;
  const silicon = strong_identity !== zeroWord && strong_identity === `0x${own.silicon}`;
  checkTitleTerms(
    asked,
    {
      token_id: "uint",
      fingerprint: "word",
      device_key_hash: "word",
      strong_identity: "word",
      weak_identity: "word",
      evidence: "word",
      log_origin: "word",
      header_hash: "word",
      predecessor: "uint",
      nonce: "uint",
    },
    {
      contract: own.contract,
      assurance: (own.in_tpm ? 1 : 0) | (silicon ? 2 : 0),
      longest_s,
      now_ms: own.now_ms,
    },
  );
  const { token_id } = asked;
  if (own.accepted !== token_id) {
    throw refuse(
      "TITLE_NOT_ACCEPTED",
      `this host's GPUs do not stand in for token ${token_id}; should one, start the agent with --accept-replacement ${token_id} and --accept-contract`,
    );
  }
  if (asked.device_key_hash !== `0x${own.device}`) {
    throw refuse("TITLE_KEY_MISMATCH", "the title would go to another device's key");
  }
  if (asked.weak_identity !== `0x${weakIdentityOf(own.uuid)}`) {
    throw refuse("TITLE_IDENTITY_MISMATCH", "the title would name another GPU's UUID");
  }
  if (strong_identity !== zeroWord && !silicon) {
    throw refuse("TITLE_IDENTITY_MISMATCH", "the title would name silicon that this agent has not shown");
  }
  if (!own.isOwnInventory(asked.evidence.slice(2))) {
    throw refuse("TITLE_EVIDENCE_UNKNOWN", "the evidence is not an inventory that this device signed");
  }
  if (asked.log_origin !== originHash(own.log_origin)) {
    throw refuse("TITLE_ORIGIN_MISMATCH", "the title would name another log than the one enrolled with");
  }
  return {
    chain_id: asked.chain_id,
    contract: asked.contract,
    token_id,
    fingerprint: asked.fingerprint,
    device_key_hash: asked.device_key_hash,
    strong_identity,
    weak_identity: asked.weak_identity,
    evidence: asked.evidence,
    log_origin: asked.log_origin,
    header_hash: asked.header_hash,
    assurance: asked.assurance,
    predecessor: asked.predecessor,
    nonce: asked.nonce,
    deadline: asked.deadline,
  };
}

function refuse(code: TitleRefusalCode, message: string): CaliberError<TitleRefusalCode> {
  return new CaliberError(code, message);
}
