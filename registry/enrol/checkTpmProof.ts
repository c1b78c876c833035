import type { TpmProof } from "../../protocol/enrol/enrolMessages.js";
import { CaliberError } from "../../protocol/errors.js";
import type { TpmEvidence, TpmKeyEvidence } from "../../protocol/log/entryBodies.js";
import { attestationKeyOf } from "../../protocol/tpm/attestationKeyOf.js";
import { residencyQualification } from "../../protocol/tpm/residencyQualification.js";
import { verifyKeyResidency } from "../../protocol/tpm/verifyKeyResidency.js";
import type { EnrolContext } from "./enrolContext.js";
import type { TokenRecord } from "./enrolStore.js";
import { trustEndorsement } from "./trustEndorsement.js";

/**
 * Checks that every device key of an enrolment lives in one TPM that this registry trusts: endorsement key, then the
 * secret that only that TPM could unwrap, which vouches for the attestation key, which vouches for the device keys.
 *
 * @param devices in the order of `proof.keys`.
 * @throws CaliberError TPM_MALFORMED, TPM_NOT_ACCEPTED, EK_*, TPM_AK_UNFIT, TPM_ACTIVATION_FAILED, NONCE_*, TPM_RESIDENCY_INVALID
 */
export function checkTpmProof(
  proof: TpmProof,
  enrolment: {
    token: TokenRecord;
    tokenHash: string;
    host_spki: Buffer;
    devices: { device: string; spki: Buffer }[];
  },
  context: EnrolContext,
): { tpm: TpmEvidence; keys: TpmKeyEvidence[] } {
  const { token, tokenHash, host_spki, devices } = enrolment;
  const { nonce, keys } = proof;
  if (keys.length !== devices.length) {
    throw new CaliberError("TPM_MALFORMED", "the TPM vouches for as many keys as there are devices");
  }
  const policy = { token, roots: context.tpmRoots, now_ms: context.now_ms() };
  const { evidence } = trustEndorsement(proof, policy);
  const ak = attestationKeyOf(Buffer.from(proof.ak, "base64"));
  const { ek_sha256 } = evidence;
  context.tpmChallenges.check(
    { nonce, token: tokenHash, ek_sha256, ak_name: ak.name },
    Buffer.from(proof.activated, "base64"),
  );
  // Spent only by who could unwrap the secret, so that nobody else can fill the table of spent nonces.
  context.nonces.spend(nonce);
  const qualification = residencyQualification(nonce, tokenHash, host_spki);
  devices.forEach(({ device, spki }, index) => {
    const key = keys[index]!;
    try {
      verifyKeyResidency(
        {
          public: Buffer.from(key.public, "base64"),
          attest: Buffer.from(key.attest, "base64"),
          signature: Buffer.from(key.signature, "base64"),
        },
        { ak, spki, qualification },
      );
    } catch (cause) {
      const why = cause instanceof CaliberError ? `${cause.code}: ${cause.message}` : "it cannot be read";
      throw new CaliberError("TPM_RESIDENCY_INVALID", `the TPM does not vouch for device ${device}: ${why}`, {
        cause,
      });
    }
  });
  return { tpm: { ...evidence, ak: proof.ak, nonce, token: tokenHash }, keys };
}
