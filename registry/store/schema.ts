/** Tables that are the truth, or that only this registry can know. */
const primary = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL, leaf BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entry_in_order BEFORE INSERT ON entry
  WHEN NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM entry)
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TABLE IF NOT EXISTS checkpoint (size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rejected (
  digest BLOB PRIMARY KEY, host TEXT NOT NULL, device TEXT NOT NULL, code TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL, bytes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conflict (statement BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS enrol_token (
  secret_sha256 TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL, used_ms INTEGER,
  recipient TEXT NOT NULL, operator TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS enrol_token_ek (
  secret_sha256 TEXT NOT NULL, ek_sha256 TEXT NOT NULL, PRIMARY KEY (secret_sha256, ek_sha256)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issued (
  what TEXT NOT NULL, name TEXT NOT NULL, made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, secret_sha256 TEXT,
  PRIMARY KEY (what, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revocation_order (host TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS decision_order (
  device TEXT PRIMARY KEY, outcome TEXT NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replacement_order (
  token_id TEXT PRIMARY KEY, device TEXT NOT NULL UNIQUE, consent TEXT, asked TEXT, consenter TEXT,
  by_contract INTEGER NOT NULL DEFAULT 0, problem TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_token (secret_sha256 TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_token_scope (secret_sha256 TEXT PRIMARY KEY, scope TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (sink TEXT PRIMARY KEY, event_id INTEGER NOT NULL) WITHOUT ROWID;
`;

/**
 * Tables that are a fold over the log: \`registry rebuild\` drops them and makes the same ones again. Rollups are keyed by
 * device first: they are asked for one device from a time on.
 */
const derived = `
CREATE TABLE IF NOT EXISTS tile (level INTEGER NOT NULL, n INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS report (
  device INTEGER NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL, statement BLOB NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, standing TEXT NOT NULL, present_ms INTEGER NOT NULL,
  util_permille INTEGER, sm_activity_permille INTEGER, power_mw INTEGER, temp_mc INTEGER, fb_used_mib INTEGER,
  PRIMARY KEY (device, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS host (host TEXT PRIMARY KEY, spki BLOB NOT NULL, recipient TEXT NOT NULL, label TEXT NOT NULL,
  simulated INTEGER NOT NULL, enrolled_ms INTEGER NOT NULL, revoked INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS device (id INTEGER PRIMARY KEY, device TEXT NOT NULL UNIQUE, host TEXT NOT NULL, spki BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ended_key (
  device TEXT PRIMARY KEY, id INTEGER NOT NULL, spki BLOB NOT NULL, last_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS device_fold (id INTEGER PRIMARY KEY, fold TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS beacon (hash TEXT PRIMARY KEY, number INTEGER NOT NULL, time_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outage (from_ms INTEGER PRIMARY KEY, to_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS rollup_1m (
  bucket_ms INTEGER NOT NULL, device INTEGER NOT NULL, proven_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL,
  absent_ms INTEGER NOT NULL, gap_ms INTEGER NOT NULL, paused_ms INTEGER NOT NULL,
  util_ms INTEGER NOT NULL, util_permille_ms INTEGER NOT NULL, power_ms INTEGER NOT NULL, power_mw_ms INTEGER NOT NULL,
  PRIMARY KEY (device, bucket_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rollup_1h (
  bucket_ms INTEGER NOT NULL, device INTEGER NOT NULL, proven_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL,
  absent_ms INTEGER NOT NULL, gap_ms INTEGER NOT NULL, paused_ms INTEGER NOT NULL,
  util_ms INTEGER NOT NULL, util_permille_ms INTEGER NOT NULL, power_ms INTEGER NOT NULL, power_mw_ms INTEGER NOT NULL,
  PRIMARY KEY (device, bucket_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY, device INTEGER NOT NULL, sequence INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE (device, sequence));
CREATE TABLE IF NOT EXISTS fold_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/** Names of the derived tables, in an order in which they may be dropped. */
export const derivedTables: readonly string[] = [
  ...derived.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g),
].map((match) => match[1]!);

export const schemaSql: string = primary + derived;
