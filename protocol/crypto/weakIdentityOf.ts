import { hash } from "node:crypto";

const domain = "caliber/identity/gpu-uuid/v1\n";

/**
 * Weak identity key: SHA-256(domain ‖ GPU UUID), hex. The UUID is declared by the host and signed by nobody, so with
 * it uniqueness stops mistakes, not fraud.
 */
export function weakIdentityOf(uuid: string): string {
  return hash("sha256", domain + uuid, "hex");
}
