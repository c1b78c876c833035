import { recordIssued } from "../expiry/recordIssued.js";
import type { Db } from "../store/openDatabase.js";
import type { TokenRecord } from "./enrolStore.js";

/** Puts an unspent enrolment token on record, by the hash of its secret (secretHash) alone. */
export function insertToken(
  db: Db,
  token_sha256: string,
  record: Omit<TokenRecord, "used_ms"> & { made_ms: number },
): void {
  const { ek_sha256, made_ms, ...row } = record;
  const insertKey = db.prepare(
    "INSERT OR IGNORE INTO enrol_token_ek (secret_sha256, ek_sha256) VALUES (?, ?)",
  );
  db.transaction(() => {
    db.prepare(
      `INSERT INTO enrol_token (secret_sha256, expires_ms, used_ms, recipient, operator)
       VALUES (@token_sha256, @expires_ms, NULL, @recipient, @operator)`,
    ).run({ ...row, token_sha256 });
    for (const key of ek_sha256) insertKey.run(token_sha256, key);
    const name = `${row.operator} ${token_sha256.slice(0, 8)}`;
    recordIssued(db, { what: "enrolment-token", name, made_ms, expires_ms: row.expires_ms }, token_sha256);
  })();
}
