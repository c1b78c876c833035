import { createHash } from "node:crypto";

const domain = "caliber/tpm-residency/v1\n";

/**
 * What a TPM is asked to sign beside the name of a device key:
 * SHA-256(domain ‖ nonce (32) ‖ SHA-256 of the token's secret (32) ‖ SPKI of the host's key (91)). So the certificate is
 * fresh, and good for this host and token alone.
 *
 * @param nonce and token in hex.
 */
export function residencyQualification(nonce: string, token: string, host_spki: Buffer): Buffer {
  return createHash("sha256")
    .update(domain)
    .update(nonce, "hex")
    .update(token, "hex")
    .update(host_spki)
    .digest();
}
