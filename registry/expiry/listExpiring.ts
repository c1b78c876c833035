import { hash, X509Certificate } from "node:crypto";
import { keyChangesOf } from "../keys/keyChanges.js";
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
  // Until then readers must have the next log key, and hosts that know the former key alone hear of the next by connecting.
  const overlaps = keyChangesOf(db).map(({ purpose, from_spki, at_ms, until_ms }): Expiring => {
    const id = hash("sha256", Buffer.from(from_spki, "base64"), "hex").slice(0, 16);
    return { what: "registry-key-overlap", name: `${purpose} ${id}`, made_ms: at_ms, expires_ms: until_ms };
  });
  return [...own, ...issued, ...overlaps].sort((a, b) => a.expires_ms - b.expires_ms);
}
