import { X509Certificate } from "node:crypto";
import type { Db } from "../store/openDatabase.js";
import type { Expiring } from "./expiring.js";

/** What of a registry runs out, soonest first. Spent tokens are not among it; of a keeper's certificates the last is. */
export function listExpiring(
  db: Db,
  certificates: { what: "ca" | "server-certificate"; pem: string }[],
): Expiring[] {
  const own = certificates.map(({ what, pem }): Expiring => {
    const { subject, validFrom, validTo } = new X509Certificate(pem);
    return { what, name: subject, made_ms: Date.parse(validFrom), expires_ms: Date.parse(validTo) };
  });
  const issued = db
    .prepare<[], Expiring>(
      `SELECT what, name, made_ms, issued.expires_ms AS expires_ms FROM issued
       LEFT JOIN enrol_token ON issued.secret_sha256 = enrol_token.secret_sha256
       WHERE used_ms IS NULL`,
    )
    .all();
  return [...own, ...issued].sort((a, b) => a.expires_ms - b.expires_ms);
}
