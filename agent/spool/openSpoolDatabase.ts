import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";

export type Db = Database.Database;

/**
 * Sizes are kept by triggers, so that they are right whatever is rolled back, and cost no scan. A report's id only ever
 * rises, also when the table was empty in between: whoever reads on from an id misses none. `aside` names unreceipted
 * reports that were refused and may be taken later; `usage.waiting` does not count them.
 */
const schema = `
CREATE TABLE IF NOT EXISTS report (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  device TEXT NOT NULL,
  seq INTEGER NOT NULL,
  statement TEXT NOT NULL,
  digest TEXT NOT NULL,
  kind TEXT NOT NULL,
  envelope BLOB NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  told_from INTEGER,
  idx INTEGER,
  UNIQUE (device, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS report_waiting ON report (id) WHERE idx IS NULL;
CREATE INDEX IF NOT EXISTS report_receipted ON report (idx) WHERE idx IS NOT NULL;
CREATE INDEX IF NOT EXISTS report_digest ON report (digest);
CREATE TABLE IF NOT EXISTS aside (report INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS head (
  device TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  statement TEXT NOT NULL,
  window_end_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS inventory (id INTEGER PRIMARY KEY, device TEXT NOT NULL, statement TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sample (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  seq INTEGER NOT NULL,
  leaves BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS usage (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  reports INTEGER NOT NULL,
  report_bytes INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  sample_bytes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO usage VALUES (0, 0, 0, 0, 0);
CREATE TRIGGER IF NOT EXISTS report_in AFTER INSERT ON report BEGIN
  UPDATE usage SET reports = reports + 1, report_bytes = report_bytes + length(new.envelope), waiting = waiting + (new.idx IS NULL);
END;
CREATE TRIGGER IF NOT EXISTS report_out AFTER DELETE ON report BEGIN
  UPDATE usage SET reports = reports - 1, report_bytes = report_bytes - length(old.envelope), waiting = waiting - (old.idx IS NULL);
END;
CREATE TRIGGER IF NOT EXISTS report_settled AFTER UPDATE OF idx ON report BEGIN
  UPDATE usage SET waiting = waiting + (new.idx IS NULL) - (old.idx IS NULL);
END;
CREATE TRIGGER IF NOT EXISTS aside_in AFTER INSERT ON aside BEGIN
  UPDATE usage SET waiting = waiting - 1;
END;
CREATE TRIGGER IF NOT EXISTS aside_out AFTER DELETE ON aside BEGIN
  UPDATE usage SET waiting = waiting + 1;
END;
CREATE TRIGGER IF NOT EXISTS aside_gone AFTER DELETE ON report BEGIN
  DELETE FROM aside WHERE report = old.id;
END;
CREATE TRIGGER IF NOT EXISTS aside_receipted AFTER UPDATE OF idx ON report BEGIN
  DELETE FROM aside WHERE report = new.id;
END;
CREATE TRIGGER IF NOT EXISTS sample_in AFTER INSERT ON sample BEGIN
  UPDATE usage SET sample_bytes = sample_bytes + length(new.leaves);
END;
CREATE TRIGGER IF NOT EXISTS sample_out AFTER DELETE ON sample BEGIN
  UPDATE usage SET sample_bytes = sample_bytes - length(old.leaves);
END;
`;

/** Opens the spool's file, made with mode 0600. What is committed is on disk (WAL, `synchronous=FULL`). */
export function openSpoolDatabase(path: string): Db {
  closeSync(openSync(path, "a", 0o600));
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  // better-sqlite3 builds SQLite with NORMAL for WAL, which may lose the last commits at a power cut.
  db.pragma("synchronous = FULL");
  db.pragma("cache_size = -1024");
  db.exec(schema);
  return db;
}
