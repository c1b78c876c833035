import { X509Certificate } from "node:crypto";

/**
 * When to renew a certificate, Unix ms: after two thirds of its lifetime and up to a twelfth more, so that a fleet
 * enrolled together does not come back together.
 *
 * @param spread in [0, 1)
 */
export function renewAt(certificate: string, spread: number): number {
  const { validFrom, validTo } = new X509Certificate(certificate);
  const from_ms = Date.parse(validFrom);
  const lifetime_ms = Date.parse(validTo) - from_ms;
  return Math.round(from_ms + lifetime_ms * (2 / 3 + spread / 12));
}
