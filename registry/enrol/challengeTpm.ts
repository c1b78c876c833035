import type { TpmChallenge, TpmChallengeRequest } from "../../protocol/enrol/enrolMessages.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { attestationKeyOf } from "../../protocol/tpm/attestationKeyOf.js";
import { makeCredential } from "../../protocol/tpm/makeCredential.js";
import type { EnrolContext } from "./enrolContext.js";
import { openToken } from "./openToken.js";
import { trustEndorsement } from "./trustEndorsement.js";

/**
 * Challenges a TPM before an enrolment: only the TPM with a trusted endorsement key, holding this attestation key, gets
 * the secret out. For bearers of a good token alone; nothing is kept.
 *
 * @throws CaliberError TOKEN_UNKNOWN, TOKEN_SPENT, TOKEN_EXPIRED, those of trustEndorsement and attestationKeyOf, EK_UNSUPPORTED
 */
export function challengeTpm(request: TpmChallengeRequest, context: EnrolContext): TpmChallenge {
  const now_ms = context.now_ms();
  const tokenHash = secretHash(request.secret);
  const token = openToken(context.store, tokenHash, now_ms);
  const { key, evidence } = trustEndorsement(request, { token, roots: context.tpmRoots, now_ms });
  const { name } = attestationKeyOf(Buffer.from(request.ak, "base64"));
  const nonce = context.nonces.issue();
  const { ek_sha256 } = evidence;
  const secret = context.tpmChallenges.secret({ nonce, token: tokenHash, ek_sha256, ak_name: name });
  const { idObject, encryptedSecret } = makeCredential(key, name, secret);
  return {
    nonce,
    id_object: idObject.toString("base64"),
    encrypted_secret: encryptedSecret.toString("base64"),
  };
}
