import type { Db } from "../store/openDatabase.js";
import type { TokenRecord } from "./enrolStore.js";

/** Puts an unspent enrolment token on record, by the hash of its secret (secretHash) alone. */
export function insertToken(db: Db, token_sha256: string, record: Omit<TokenRecord, "used_ms">): void {
  db.prepare(
    `INSERT INTO enrol_token (secret_sha256, expires_ms, used_ms, recipient, operator)
     VALUES (@token_sha256, @expires_ms, NULL, @recipient, @operator)`,
  ).run({ ...record, token_sha256 });
}
