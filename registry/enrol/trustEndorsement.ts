import { createPublicKey, hash, type KeyObject, X509Certificate } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";
import type { TpmEvidence } from "../../protocol/log/entryBodies.js";
import type { TokenRecord } from "./enrolStore.js";
import type { TpmRoots } from "./tpmRoots.js";

/** tcg-kp-EKCertificate: makers' authorities sign other certificates as well, also for keys outside a TPM. */
const ekUsage = "2.23.133.8.1";

/**
 * Decides whether an endorsement key is a TPM's: the token names it, or a trusted maker certified it. A token that names
 * keys takes no other, whoever certified it. All of `claim` is attacker-controlled.
 *
 * @throws CaliberError TPM_NOT_ACCEPTED, EK_MALFORMED, EK_UNTRUSTED, EK_CERTIFICATE_MISMATCH, EK_CERTIFICATE_UNFIT,
 * EK_CERTIFICATE_UNTRUSTED, EK_CERTIFICATE_EXPIRED
 */
export function trustEndorsement(
  claim: { ek_spki: string; ek_certificate?: string },
  policy: { token: TokenRecord; roots: TpmRoots | null; now_ms: number },
): { key: KeyObject; evidence: Pick<TpmEvidence, "ek_sha256" | "trust" | "root_sha256" | "ek_certificate"> } {
  const { token, roots, now_ms } = policy;
  if (token.ek_sha256.length === 0 && roots === null) {
    throw new CaliberError(
      "TPM_NOT_ACCEPTED",
      "this registry trusts no TPM maker (--tpm-roots) and the token names no endorsement key (--ek)",
    );
  }
  const { key, spki } = keyOf(claim.ek_spki);
  const ek_sha256 = hash("sha256", spki, "hex");
  const ek_certificate = claim.ek_certificate ?? null;
  if (token.ek_sha256.length > 0) {
    // What the operator needs to make a good token, should this be the right TPM.
    if (!token.ek_sha256.includes(ek_sha256)) throw untrusted(ek_sha256, "the token names another");
    // A certificate that nobody has checked has no place in the evidence.
    return { key, evidence: { ek_sha256, trust: "pinned", root_sha256: null, ek_certificate: null } };
  }
  if (ek_certificate === null)
    throw untrusted(ek_sha256, "it has no maker's certificate, and the token does not name it");
  const certificate = certificateOf(ek_certificate);
  if (!certificate.publicKey.export({ format: "der", type: "spki" }).equals(spki)) {
    throw new CaliberError("EK_CERTIFICATE_MISMATCH", "the endorsement certificate is for another key");
  }
  if (certificate.ca || !(certificate.keyUsage ?? []).includes(ekUsage)) {
    throw new CaliberError("EK_CERTIFICATE_UNFIT", "the certificate is not for an endorsement key");
  }
  const root_sha256 = roots!.verify(certificate, now_ms);
  return { key, evidence: { ek_sha256, trust: "certified", root_sha256, ek_certificate } };
}

function keyOf(base64: string): { key: KeyObject; spki: Buffer } {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
    // Written anew: a key has one encoding, and so one hash.
    return { key, spki: key.export({ format: "der", type: "spki" }) };
  } catch (cause) {
    throw new CaliberError("EK_MALFORMED", "the endorsement key cannot be read", { cause });
  }
}

function certificateOf(base64: string): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(base64, "base64"));
  } catch (cause) {
    throw new CaliberError("EK_MALFORMED", "the endorsement certificate cannot be read", { cause });
  }
}

function untrusted(ek_sha256: string, why: string): CaliberError {
  return new CaliberError("EK_UNTRUSTED", `endorsement key ${ek_sha256} is not trusted: ${why}`);
}
