import { hash } from "node:crypto";

/** `device_id`: lower-case hex SHA-256 of the canonical 91-byte SPKI. */
export function deviceIdOf(spki: Uint8Array): string {
  return hash("sha256", spki, "hex");
}
