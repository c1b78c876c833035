import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";

/** What a TPM has to unwrap, for one nonce, endorsement key and attestation key. */
export type TpmChallenges = {
  /** The secret, 32 bytes. */
  secret(subject: ChallengeSubject): Buffer;
  /** @throws CaliberError TPM_ACTIVATION_FAILED */
  check(subject: ChallengeSubject, activated: Buffer): void;
};

export type ChallengeSubject = {
  nonce: string;
  /** SHA-256 of the token's secret. */
  token: string;
  ek_sha256: string;
  ak_name: Buffer;
};

/** Derived by a key that dies with the process, so that nothing is kept for challenges that nobody comes back with. */
export function createTpmChallenges(): TpmChallenges {
  const key = randomBytes(32);
  const secret = ({ nonce, token, ek_sha256, ak_name }: ChallengeSubject): Buffer =>
    createHmac("sha256", key).update(nonce).update(token).update(ek_sha256).update(ak_name).digest();
  return {
    secret,
    check(subject, activated) {
      const expected = secret(subject);
      if (activated.length !== expected.length || !timingSafeEqual(activated, expected)) {
        throw new CaliberError(
          "TPM_ACTIVATION_FAILED",
          "the TPM with this endorsement key did not answer the challenge",
        );
      }
    },
  };
}
