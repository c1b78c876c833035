import type { Database } from "better-sqlite3";

const ddl = `
CREATE TABLE IF NOT EXISTS loan_cursor (
  scope TEXT PRIMARY KEY,
  confirmed_number INTEGER NOT NULL,
  confirmed_hash TEXT,
  head_number INTEGER,
  head_hash TEXT,
  head_time_s INTEGER,
  read_ms INTEGER,
  is_whole INTEGER NOT NULL DEFAULT 0 CHECK (is_whole IN (0, 1)),
  CHECK ((head_number IS NULL) = (head_hash IS NULL) AND (head_number IS NULL) = (read_ms IS NULL))
) STRICT;
CREATE TABLE IF NOT EXISTS loan_block (
  scope TEXT NOT NULL,
  number INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (scope, number)
) STRICT;
CREATE TABLE IF NOT EXISTS loan_log (
  scope TEXT NOT NULL,
  block_number INTEGER NOT NULL,
  block_hash TEXT NOT NULL,
  log_index INTEGER NOT NULL,
  tx_hash TEXT NOT NULL,
  time_s INTEGER NOT NULL,
  kind TEXT NOT NULL,
  address TEXT NOT NULL,
  topics TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (scope, block_number, log_index)
) STRICT;
CREATE INDEX IF NOT EXISTS loan_log_kind ON loan_log (scope, kind);
CREATE TABLE IF NOT EXISTS loan_mention (
  scope TEXT NOT NULL,
  block_number INTEGER NOT NULL,
  log_index INTEGER NOT NULL,
  loan TEXT NOT NULL,
  token TEXT,
  token_id TEXT,
  CHECK ((token IS NULL) = (token_id IS NULL)),
  FOREIGN KEY (scope, block_number, log_index) REFERENCES loan_log ON DELETE CASCADE
) STRICT;
CREATE INDEX IF NOT EXISTS loan_mention_log ON loan_mention (scope, block_number, log_index);
CREATE INDEX IF NOT EXISTS loan_mention_loan ON loan_mention (scope, loan, block_number);
CREATE INDEX IF NOT EXISTS loan_mention_token ON loan_mention (scope, token, token_id);
CREATE TABLE IF NOT EXISTS loan_terms (
  chain_id INTEGER NOT NULL,
  loan TEXT NOT NULL,
  encoded TEXT NOT NULL,
  PRIMARY KEY (chain_id, loan)
) STRICT;
CREATE TABLE IF NOT EXISTS loan_state (
  scope TEXT NOT NULL,
  loan TEXT NOT NULL,
  block_number INTEGER NOT NULL,
  status TEXT NOT NULL,
  repayment_count INTEGER NOT NULL,
  origination_s INTEGER NOT NULL,
  scaled_balance TEXT NOT NULL,
  decimals INTEGER,
  PRIMARY KEY (scope, loan)
) STRICT;
`;

/**
 * Creates the loan index's tables where they are missing. They are read from the chain, not from the log: keep them on
 * rebuild; lost, they are read again. Foreign keys must be on (openDatabase).
 */
export function ensureLoanTables(db: Database): void {
  db.exec(ddl);
}
