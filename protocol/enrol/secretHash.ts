import { hash } from "node:crypto";

/**
 * How a token's secret is named everywhere but in the enrolment request itself: lower-case hex SHA-256 of its 43
 * characters.
 */
export function secretHash(secret: string): string {
  return hash("sha256", secret, "hex");
}
