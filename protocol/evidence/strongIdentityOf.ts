import { createHash } from "node:crypto";

const domain = "caliber/identity/gpu-brom/v1\n";

/**
 * Strong identity key: SHA-256(domain ‖ SPKI DER of the certificate "BROM"), hex. That key is fused into the device and
 * outlives drivers and firmware; who holds the evidence can compute it again.
 */
export function strongIdentityOf(bromSpki: Uint8Array): string {
  return createHash("sha256").update(domain).update(bromSpki).digest("hex");
}
