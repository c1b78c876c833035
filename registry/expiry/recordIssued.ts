import type { Db } from "../store/openDatabase.js";
import type { Expiring } from "./expiring.js";

/**
 * Remembers when something that was given to somebody runs out. The next of the same name takes its place.
 *
 * @param secret_sha256 of the enrolment token that it is.
 */
export function recordIssued(db: Db, issued: Expiring, secret_sha256: string | null = null): void {
  db.prepare(
    `INSERT OR REPLACE INTO issued (what, name, made_ms, expires_ms, secret_sha256)
     VALUES (@what, @name, @made_ms, @expires_ms, @secret_sha256)`,
  ).run({ ...issued, secret_sha256 });
}
