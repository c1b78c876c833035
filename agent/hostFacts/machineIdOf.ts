import { hash } from "node:crypto";

/**
 * SHA-256 over `caliber/machine-id/v1` and the 32 characters of /etc/machine-id, hex. machine-id(5) forbids to tell the
 * id itself to others; null for a file that holds none (`uninitialized`, or all zeros).
 */
export function machineIdOf(machineId: string | null): string | null {
  const id = machineId?.trim() ?? "";
  if (!/^[0-9a-f]{32}$/.test(id) || /^0+$/.test(id)) return null;
  return hash("sha256", `caliber/machine-id/v1${id}`, "hex");
}
