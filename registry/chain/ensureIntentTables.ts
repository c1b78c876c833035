import type { Database } from "better-sqlite3";

const ddl = `
CREATE TABLE IF NOT EXISTS intent (
  deployment TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('wanted', 'signed', 'mined', 'done', 'failed', 'obsolete')),
  nonce INTEGER,
  tx TEXT,
  block_number INTEGER,
  block_hash TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  CHECK (state NOT IN ('signed') OR nonce IS NOT NULL),
  CHECK (state NOT IN ('mined', 'done') OR block_number IS NOT NULL),
  UNIQUE (deployment, id)
) STRICT;
CREATE INDEX IF NOT EXISTS intent_state ON intent (deployment, state);
CREATE INDEX IF NOT EXISTS intent_block ON intent (deployment, block_number) WHERE block_number IS NOT NULL;
CREATE INDEX IF NOT EXISTS intent_nonce ON intent (deployment, nonce) WHERE nonce IS NOT NULL;
CREATE TABLE IF NOT EXISTS intent_tx (
  deployment TEXT NOT NULL,
  intent TEXT NOT NULL,
  hash TEXT NOT NULL,
  raw TEXT NOT NULL,
  nonce INTEGER NOT NULL,
  gas TEXT NOT NULL,
  max_fee_wei TEXT NOT NULL,
  max_priority_fee_wei TEXT NOT NULL,
  signed_ms INTEGER NOT NULL,
  PRIMARY KEY (deployment, hash)
) STRICT;
CREATE TABLE IF NOT EXISTS intent_scope (one INTEGER PRIMARY KEY CHECK (one = 1), deployment TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS intent_tx_intent ON intent_tx (deployment, intent);
`;

/** Creates the chain writer's tables where they are missing. They are not derived from the log: keep them on rebuild. */
export function ensureIntentTables(db: Database): void {
  db.exec(ddl);
  const table = db.prepare<[], { sql: string }>("SELECT sql FROM sqlite_master WHERE name = 'intent'").get();
  if (table?.sql.includes("kind IN") !== true) return;
  // Made when there were fewer kinds, which SQLite can be told in no other way.
  db.transaction(() => {
    db.exec("ALTER TABLE intent RENAME TO intent_before");
    for (const index of ["state", "block", "nonce"]) db.exec(`DROP INDEX intent_${index}`);
    db.exec(ddl);
    db.exec("INSERT INTO intent SELECT * FROM intent_before; DROP TABLE intent_before");
  })();
}
