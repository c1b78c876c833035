import type { TpmChallengeRequest, TpmProof } from "../../protocol/enrol/enrolMessages.js";
import { CaliberError } from "../../protocol/errors.js";
import { residencyQualification } from "../../protocol/tpm/residencyQualification.js";
import type { Residency } from "../keys/keyStore.js";
import { requestRegistry } from "./requestRegistry.js";

/**
 * Shows the registry that the keys of these GPUs live in this host's TPM: it asks for a challenge, has the TPM unwrap it,
 * and has the TPM vouch for each key. The keys exist already; the nonce lives 60 s.
 *
 * @throws CaliberError TPM_FAILED, REGISTRY_ANSWER_MALFORMED, and the registry's refusals (EK_UNTRUSTED, TPM_NOT_ACCEPTED …)
 */
export async function proveResidency(
  residency: Residency,
  options: {
    url: string;
    ca: string;
    secret: string;
    /** SHA-256 of it. */
    token: string;
    host_spki: Buffer;
    uuids: readonly string[];
  },
): Promise<TpmProof> {
  const { url, ca, secret, token, host_spki, uuids } = options;
  const { ek_spki, ek_certificate, ak } = residency.endorsement();
  const endorsement = {
    ek_spki: ek_spki.toString("base64"),
    ...(ek_certificate === null ? {} : { ek_certificate: ek_certificate.toString("base64") }),
    ak: ak.toString("base64"),
  };
  const body: TpmChallengeRequest = { secret, ...endorsement };
  const challenge = challengeOf(await requestRegistry({ url, path: "/v1/tpm-challenge", body, ca }));
  const activated = residency.activate(challenge);
  const qualification = residencyQualification(challenge.nonce, token, host_spki);
  const keys = uuids.map((uuid) => {
    const { public: area, attest, signature } = residency.certify(uuid, qualification);
    return {
      public: area.toString("base64"),
      attest: attest.toString("base64"),
      signature: signature.toString("base64"),
    };
  });
  return { nonce: challenge.nonce, activated: activated.toString("base64"), ...endorsement, keys };
}

/** The two structures go into the TPM, which checks them itself; here only their size. */
const longest_bytes = 1024;

function challengeOf(text: string): { nonce: string; idObject: Buffer; encryptedSecret: Buffer } {
  const { nonce, id_object, encrypted_secret } = JSON.parse(text) as Record<string, unknown>;
  const isBlob = (value: unknown): value is string =>
    typeof value === "string" && value.length <= longest_bytes;
  if (
    typeof nonce !== "string" ||
    !/^[0-9a-f]{64}$/.test(nonce) ||
    !isBlob(id_object) ||
    !isBlob(encrypted_secret)
  ) {
    throw new CaliberError("REGISTRY_ANSWER_MALFORMED", "no challenge for a TPM in the answer");
  }
  return {
    nonce,
    idObject: Buffer.from(id_object, "base64"),
    encryptedSecret: Buffer.from(encrypted_secret, "base64"),
  };
}
