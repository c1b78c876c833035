import { createHash } from "node:crypto";

const domain = "caliber/tpm-rotation/v1\n";

/**
 * What a TPM is asked to sign beside the name of a key that takes over from another:
 * SHA-256(domain ‖ device_id (32) ‖ the successor's device_id (32)). Both name keys, so it is good for this handover alone.
 */
export function rotationQualification(device: string, successor: string): Buffer {
  return createHash("sha256").update(domain).update(device, "hex").update(successor, "hex").digest();
}
