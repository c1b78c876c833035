import type { Address, Hex } from "viem";
import { decodeLoanTerms } from "../credit/loanTerms/decodeLoanTerms.js";
import { encodeLoanTerms } from "../credit/loanTerms/encodeLoanTerms.js";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import { loanTermsHash } from "../credit/loanTerms/loanTermsHash.js";
import type { LoanState, LoanStatus } from "../credit/schedule/loanState.js";
import type { Db } from "../store/openDatabase.js";
import { decodeLoanLog } from "./decodeLoanLog.js";
import { ensureLoanTables } from "./ensureLoanTables.js";
import type { ChainBlock } from "./loanChain.js";
import type { PlacedEvent } from "./loanEvent.js";
import type { LoanSettings } from "./loanSettings.js";
import { createLogTable, type LogRow, type TimedLog } from "./logTable.js";
import type { HeldLog } from "./readLogs.js";

export type BlockMark = { number: number; hash: Hex };

export type LoanCursor = {
  /** Up to here all logs are read for good; the hash is null before the first range. */
  confirmed: { number: number; hash: Hex | null };
  /** The newest block that was read, and when. Null until the chain was read to its end once. */
  head: (BlockMark & { time_s: number; read_ms: number }) | null;
  /** False from a deep rollback, or the very start, until the chain was read to its end. */
  is_whole: boolean;
};

/** What a commit changed. */
export type LogChanges = { added: number; removed: number };

/** `decimals` of the currency; null without terms, or where the currency does not say. */
export type StoredState = LoanState & { block_number: number; decimals: number | null };

export type UnknownEvent = { address: Address; selector: Hex | null; count: number; last_block: number };

/** Everything read from the chain. Each call that changes something is one transaction. */
export type LoanStore = {
  cursor(): LoanCursor;
  /** Where the logs of these blocks stand. */
  held(from: number, to: number): HeldLog[];
  /** Confirmed blocks whose hashes are kept, newest first. */
  marks(): BlockMark[];
  /** Blocks up to `to` are confirmed: their logs replace what was read of them before. */
  confirm(from: number, to: ChainBlock, logs: TimedLog[]): LogChanges;
  /** All blocks above `after` up to `head`, the chain's end: replaces everything above `after`. */
  replaceWindow(after: number, head: ChainBlock, logs: TimedLog[], read_ms: number): LogChanges;
  /** Forgets everything above the mark; what is kept is not whole until it is read again. */
  rollBack(to: { number: number; hash: Hex | null }): void;
  /** Of each loan that has any, in the chain's order, without the terms, which `terms` has. */
  eventsOf(loans: readonly Hex[]): Map<Hex, PlacedEvent[]>;
  /** Loans by the order of their hashes, after one of them. */
  loans(after: Hex | null, limit: number): Hex[];
  /** Loans that ever named each of the contract's tokens, the latest first; without those that none has. */
  loansOfTokens(token: Address, token_ids: readonly bigint[]): Map<bigint, Hex[]>;
  /** Of those loans whose terms are known. */
  terms(loans: readonly Hex[]): Map<Hex, LoanTerms>;
  /** Keeps terms under their hash, which it returns. */
  learnTerms(terms: LoanTerms): Hex;
  /** Originated loans without terms, and the transactions that may hold them. */
  withoutTerms(): { loan: Hex; tx_hash: Hex }[];
  /** Originated loans whose state was not read since their logs last changed. */
  withoutState(limit: number): Hex[];
  states(loans: readonly Hex[]): Map<Hex, StoredState>;
  putState(loan: Hex, state: StoredState): void;
  unknownEvents(): UnknownEvent[];
};

type CursorRow = {
  confirmed_number: number;
  confirmed_hash: Hex | null;
  head_number: number | null;
  head_hash: Hex | null;
  head_time_s: number | null;
  read_ms: number | null;
  is_whole: number;
};

type StateRow = Omit<StoredState, "scaled_balance" | "status"> & {
  status: LoanStatus;
  scaled_balance: string;
};

/** Confirmed hashes kept for finding the way back from a reorganisation deeper than the window. */
const kept_marks = 256;

const originated = "l.kind IN ('originated', 'refinanced')";

export function createLoanStore(db: Db, settings: LoanSettings): LoanStore {
  ensureLoanTables(db);
  const { chain_id, start_block } = settings;
  const scope = `${chain_id}:${settings.router}:${settings.timelock}`;
  const logs = createLogTable(db, scope, settings);
  db.prepare("INSERT OR IGNORE INTO loan_cursor (scope, confirmed_number) VALUES (?, ?)").run(
    scope,
    start_block - 1,
  );
  const insertTerms = db.prepare(
    "INSERT OR IGNORE INTO loan_terms (chain_id, loan, encoded) VALUES (?, ?, ?)",
  );
  const deleteState = db.prepare("DELETE FROM loan_state WHERE scope = ? AND loan = ?");

  /** Makes the range hold exactly these logs; a state read before a loan's logs changed is no longer that loan's. */
  function hold(from: number, to: number, wanted: TimedLog[]): LogChanges {
    const { added, removed, loans, terms } = logs.replace(from, to, wanted);
    for (const loan of loans) deleteState.run(scope, loan);
    for (const each of terms) learnTerms(each);
    return { added, removed };
  }

  function learnTerms(terms: LoanTerms): Hex {
    const loan = loanTermsHash(terms, chain_id);
    insertTerms.run(chain_id, loan, encodeLoanTerms(terms, "1.2"));
    return loan;
  }

  const confirm = db.transaction((from: number, to: ChainBlock, wanted: TimedLog[]): LogChanges => {
    const changes = hold(from, to.number, wanted);
    db.prepare(
      "UPDATE loan_cursor SET confirmed_number = @number, confirmed_hash = @hash WHERE scope = @scope",
    ).run({ scope, number: to.number, hash: to.hash });
    db.prepare("INSERT OR REPLACE INTO loan_block (scope, number, hash) VALUES (?, ?, ?)").run(
      scope,
      to.number,
      to.hash,
    );
    db.prepare(
      `DELETE FROM loan_block WHERE scope = @scope AND number NOT IN
       (SELECT number FROM loan_block WHERE scope = @scope ORDER BY number DESC LIMIT ${kept_marks})`,
    ).run({ scope });
    return changes;
  });

  const replaceWindow = db.transaction(
    (after: number, head: ChainBlock, wanted: TimedLog[], read_ms: number): LogChanges => {
      const changes = hold(after + 1, Number.MAX_SAFE_INTEGER, wanted);
      db.prepare(
        `UPDATE loan_cursor SET head_number = @number, head_hash = @hash, head_time_s = @time_s, read_ms = @read_ms,
         is_whole = 1 WHERE scope = @scope`,
      ).run({ scope, read_ms, ...head });
      return changes;
    },
  );

  const rollBack = db.transaction((to: { number: number; hash: Hex | null }) => {
    hold(to.number + 1, Number.MAX_SAFE_INTEGER, []);
    db.prepare("DELETE FROM loan_block WHERE scope = ? AND number > ?").run(scope, to.number);
    db.prepare(
      `UPDATE loan_cursor SET confirmed_number = @number, confirmed_hash = @hash, head_number = NULL,
       head_hash = NULL, head_time_s = NULL, read_ms = NULL, is_whole = 0 WHERE scope = @scope`,
    ).run({ scope, ...to });
  });

  return {
    cursor: () =>
      cursorOf(db.prepare<[string], CursorRow>("SELECT * FROM loan_cursor WHERE scope = ?").get(scope)!),
    marks: () =>
      db
        .prepare<[string], BlockMark>(
          "SELECT number, hash FROM loan_block WHERE scope = ? ORDER BY number DESC",
        )
        .all(scope),
    held: (from, to) =>
      db
        .prepare<[string, number, number], HeldLog>(
          `SELECT block_number, block_hash, log_index FROM loan_log
           WHERE scope = ? AND block_number BETWEEN ? AND ?`,
        )
        .all(scope, from, to),
    confirm,
    replaceWindow,
    rollBack,
    eventsOf: (loans) =>
      grouped(
        db
          .prepare<[string, string], LogRow & { named: Hex }>(
            `SELECT DISTINCT m.loan AS named, l.* FROM loan_mention m JOIN loan_log l USING (scope, block_number, log_index)
             WHERE m.scope = ? AND m.loan IN (SELECT value FROM json_each(?)) ORDER BY l.block_number, l.log_index`,
          )
          .all(scope, JSON.stringify(loans)),
        ({ named }) => named,
        (row) => placedEvent(row, settings),
      ),
    loans: (after, limit) =>
      db
        .prepare<[string, string, number], { loan: Hex }>(
          "SELECT DISTINCT loan FROM loan_mention WHERE scope = ? AND loan > ? ORDER BY loan LIMIT ?",
        )
        .all(scope, after ?? "", limit)
        .map(({ loan }) => loan),
    loansOfTokens: (token, token_ids) =>
      grouped(
        db
          .prepare<[string, Address, string], { token_id: string; loan: Hex }>(
            `SELECT token_id, loan FROM loan_mention
             WHERE scope = ? AND token = ? AND token_id IN (SELECT value FROM json_each(?))
             GROUP BY token_id, loan ORDER BY max(block_number * 16777216 + log_index) DESC`,
          )
          .all(scope, token, JSON.stringify(token_ids.map(String))),
        ({ token_id }) => BigInt(token_id),
        ({ loan }) => loan,
      ),
    terms: (loans) =>
      new Map(
        db
          .prepare<[number, string], { loan: Hex; encoded: Hex }>(
            `SELECT loan, encoded FROM loan_terms
             WHERE chain_id = ? AND loan IN (SELECT value FROM json_each(?))`,
          )
          .all(chain_id, JSON.stringify(loans))
          .map(({ loan, encoded }) => [loan, decodeLoanTerms(encoded, "1.2")]),
      ),
    learnTerms,
    withoutTerms: () =>
      db
        .prepare<[string, number], { loan: Hex; tx_hash: Hex }>(
          `SELECT DISTINCT m.loan, l.tx_hash FROM loan_log l JOIN loan_mention m USING (scope, block_number, log_index)
           WHERE l.scope = ? AND ${originated} AND m.loan NOT IN (SELECT loan FROM loan_terms WHERE chain_id = ?)`,
        )
        .all(scope, chain_id),
    withoutState: (limit) =>
      db
        .prepare<[string, string, number], { loan: Hex }>(
          `SELECT DISTINCT m.loan FROM loan_log l JOIN loan_mention m USING (scope, block_number, log_index)
           WHERE l.scope = ? AND ${originated} AND m.loan NOT IN (SELECT loan FROM loan_state WHERE scope = ?)
           LIMIT ?`,
        )
        .all(scope, scope, limit)
        .map(({ loan }) => loan),
    states: (loans) =>
      new Map(
        db
          .prepare<[string, string], StateRow & { loan: Hex }>(
            `SELECT loan, status, repayment_count, origination_s, scaled_balance, block_number, decimals FROM loan_state
             WHERE scope = ? AND loan IN (SELECT value FROM json_each(?))`,
          )
          .all(scope, JSON.stringify(loans))
          .map(({ loan, ...row }) => [loan, { ...row, scaled_balance: BigInt(row.scaled_balance) }]),
      ),
    putState: (loan, state) => {
      db.prepare(
        `INSERT OR REPLACE INTO loan_state
         (scope, loan, block_number, status, repayment_count, origination_s, scaled_balance, decimals)
         VALUES (@scope, @loan, @block_number, @status, @repayment_count, @origination_s, @balance, @decimals)`,
      ).run({ scope, loan, ...state, balance: String(state.scaled_balance), scaled_balance: null });
    },
    unknownEvents: () =>
      db
        .prepare<[string], UnknownEvent>(
          `SELECT address, json_extract(topics, '$[0]') AS selector, count(*) AS count,
           max(block_number) AS last_block FROM loan_log WHERE scope = ? AND kind = 'unknown'
           GROUP BY address, selector ORDER BY address, selector`,
        )
        .all(scope),
  };
}

/** In the order of the rows. */
function grouped<Row, Key, Value>(rows: Row[], key: (row: Row) => Key, value: (row: Row) => Value) {
  const groups = new Map<Key, Value[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [value(row)]);
    else group.push(value(row));
  }
  return groups;
}

function cursorOf(row: CursorRow): LoanCursor {
  const { head_number: number, head_hash: hash, head_time_s: time_s, read_ms } = row;
  const isRead = number !== null && hash !== null && time_s !== null && read_ms !== null;
  return {
    confirmed: { number: row.confirmed_number, hash: row.confirmed_hash },
    head: isRead ? { number, hash, time_s, read_ms } : null,
    is_whole: row.is_whole === 1,
  };
}

/** Only logs that a loan's mention points at come here, and they decoded when they were stored. */
function placedEvent(row: LogRow, settings: LoanSettings): PlacedEvent {
  const { block_number, block_hash, log_index, tx_hash, time_s } = row;
  // All terms that logs hold were kept under their hashes when the logs were stored.
  const event = decodeLoanLog({ ...row, topics: JSON.parse(row.topics) as Hex[] }, settings, () => null);
  if (event === null || event === "unknown")
    throw new Error(`stored log ${block_number}/${log_index} is no event`);
  return { ...event, place: { block_number, block_hash, log_index, tx_hash, time_s } };
}
