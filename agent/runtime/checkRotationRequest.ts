import { CaliberError } from "../../protocol/errors.js";
import type { TitleRotation } from "../../protocol/report/schema.js";
import { checkTitleTerms, type TitleRefusalCode } from "./checkTitleTerms.js";
import type { TitleContract } from "./parseTitleContract.js";

/** What the agent knows itself of the key in force and of those before it. */
export type OwnKeys = {
  device: string;
  /** Keys that this one came after, latest first. */
  former: readonly string[];
  /** Statement of the rotate report that led to this key; null where no record of it is left. */
  rotated_by: string | null;
  contract: TitleContract | null;
  /** Bit 0: the key is in a TPM. Bit 1: the GPU has shown its silicon. */
  assurance: number;
  now_ms: number;
};

const longest_s = 24 * 3600;

/**
 * Holds a rotation request against what this host has signed: a title goes from a key of this chain to the one in force, and to
 * no other.
 *
 * @returns the rotation with its known fields only, fit to be signed
 * @throws CaliberError a TitleRefusalCode
 */
export function checkRotationRequest(asked: TitleRotation, own: OwnKeys): TitleRotation {
  checkTitleTerms(
    asked,
    { token_id: "uint", old_key_hash: "word", new_key_hash: "word", evidence: "word", nonce: "uint" },
    { ...own, longest_s },
  );
  if (asked.new_key_hash !== `0x${own.device}`) {
    throw refuse("TITLE_KEY_MISMATCH", "the title would go to another key than the one in force");
  }
  if (!own.former.includes(asked.old_key_hash.slice(2))) {
    throw refuse("TITLE_KEY_MISMATCH", "the title's key is none that the one in force came after");
  }
  if (asked.evidence !== `0x${own.rotated_by}`) {
    throw refuse("TITLE_EVIDENCE_UNKNOWN", "the evidence is not the report that rotated to this key");
  }
  const { chain_id, contract, token_id, old_key_hash, new_key_hash } = asked;
  const { evidence, assurance, nonce, deadline } = asked;
  return {
    chain_id,
    contract,
    token_id,
    old_key_hash,
    new_key_hash,
    evidence,
    assurance,
    nonce,
    deadline,
  };
}

function refuse(code: TitleRefusalCode, message: string): CaliberError<TitleRefusalCode> {
  return new CaliberError(code, message);
}
