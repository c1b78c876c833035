import { createHash } from "node:crypto";
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { CaliberError } from "../errors.js";
import { parseCreationAttest } from "./parseCreationAttest.js";
import { parseEccPublic, type TpmEccPublic } from "./parseEccPublic.js";
import { endorsementHierarchy, objectAttribute, tpmAlgorithm } from "./tpmConstants.js";

/** A TPM's word that it made a key which never leaves it. */
export type KeyResidency = {
  /** TPMT_PUBLIC of the key. */
  public: Buffer;
  /** TPMS_ATTEST of its creation. */
  attest: Buffer;
  /** ES256 by the attestation key over `attest`: 64-byte r‖s, low-S. */
  signature: Buffer;
};

const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, decrypt, sign } = objectAttribute;
const wanted = fixedTpm | fixedParent | sensitiveDataOrigin | sign;

/**
 * Checks that the TPM which holds the attestation key made the key `spki` and never gives it away. Every part of
 * `residency` is attacker-controlled; `ak` has passed attestationKeyOf.
 *
 * @param qualification what the TPM had to sign along (residencyQualification).
 * @throws CaliberError TPM_MALFORMED, TPM_KEY_UNSUPPORTED, TPM_ATTEST_TYPE, SIGNATURE_*, TPM_ATTEST_SIGNER,
 * TPM_ATTEST_STALE, TPM_KEY_MISMATCH, TPM_KEY_MOVABLE
 */
export function verifyKeyResidency(
  residency: KeyResidency,
  expected: { ak: TpmEccPublic; spki: Buffer; qualification: Buffer },
): void {
  const { ak, spki, qualification } = expected;
  verifyEs256(residency.attest, residency.signature, publicKeyFromSpki(ak.spki));
  const attest = parseCreationAttest(residency.attest);
  if (!attest.qualifiedSigner.equals(qualifiedEndorsementName(ak.name))) {
    throw new CaliberError("TPM_ATTEST_SIGNER", "not signed by a primary key of the endorsement hierarchy");
  }
  if (!attest.extraData.equals(qualification)) {
    throw new CaliberError("TPM_ATTEST_STALE", "the attestation is for another nonce, token or host");
  }
  const key = parseEccPublic(residency.public);
  if (!key.spki.equals(spki) || !attest.objectName.equals(key.name)) {
    throw new CaliberError("TPM_KEY_MISMATCH", "the attestation is about another key");
  }
  // The name covers the attributes, so they are the TPM's word from here on.
  if ((key.attributes & (wanted | restricted | decrypt)) !== wanted) {
    throw new CaliberError(
      "TPM_KEY_MOVABLE",
      "the key is not a plain signing key made by and fixed to its TPM",
    );
  }
}

/** Part 1, 16: the qualified name of a primary key is nameAlg ‖ H(handle of the hierarchy ‖ name). */
function qualifiedEndorsementName(name: Buffer): Buffer {
  const handle = Buffer.alloc(4);
  handle.writeUInt32BE(endorsementHierarchy);
  const digest = createHash("sha256").update(handle).update(name).digest();
  return Buffer.concat([Buffer.of(0x00, tpmAlgorithm.sha256), digest]);
}
