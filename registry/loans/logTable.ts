import type { Address, Hex } from "viem";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import type { Db } from "../store/openDatabase.js";
import { decodeLoanLog } from "./decodeLoanLog.js";
import type { ChainLog } from "./loanChain.js";
import type { LoanSettings } from "./loanSettings.js";
import { mentionsOf } from "./mentionsOf.js";

/** A log with its block's time. */
export type TimedLog = ChainLog & { time_s: number };

export type LogRow = {
  block_number: number;
  block_hash: Hex;
  log_index: number;
  tx_hash: Hex;
  time_s: number;
  kind: string;
  address: Address;
  /** JSON array. */
  topics: string;
  data: Hex;
};

export type LogTable = {
  /**
   * Makes the blocks from `from` to `to` hold exactly these logs, and says what that changed: how many came and went,
   * which loans they name, which terms came with them. Call within a transaction.
   * @throws CaliberError LOANS_LOG_UNREADABLE
   */
  replace(
    from: number,
    to: number,
    logs: TimedLog[],
  ): { added: number; removed: number; loans: Set<Hex>; terms: LoanTerms[] };
};

type Range = [scope: string, from: number, to: number];

export function createLogTable(db: Db, scope: string, settings: LoanSettings): LogTable {
  const selectRange = db.prepare<Range, LogRow>(
    "SELECT * FROM loan_log WHERE scope = ? AND block_number BETWEEN ? AND ?",
  );
  const selectLoans = db.prepare<[string, number, number], { loan: Hex }>(
    "SELECT DISTINCT loan FROM loan_mention WHERE scope = ? AND block_number = ? AND log_index = ?",
  );
  const deleteLog = db.prepare("DELETE FROM loan_log WHERE scope = ? AND block_number = ? AND log_index = ?");
  const insertLog = db.prepare(
    `INSERT INTO loan_log
     (scope, block_number, block_hash, log_index, tx_hash, time_s, kind, address, topics, data)
     VALUES (@scope, @block_number, @block_hash, @log_index, @tx_hash, @time_s, @kind, @address, @topics, @data)`,
  );
  const insertMention = db.prepare(
    "INSERT INTO loan_mention (scope, block_number, log_index, loan, token, token_id) VALUES (?, ?, ?, ?, ?, ?)",
  );

  return {
    replace(from, to, logs) {
      const loans = new Set<Hex>();
      const terms: LoanTerms[] = [];
      const wanted = new Set(logs.map(identity));
      const held = new Set<string>();
      let removed = 0;
      for (const row of selectRange.all(scope, from, to)) {
        if (wanted.has(identity(row))) {
          held.add(identity(row));
          continue;
        }
        for (const { loan } of selectLoans.all(scope, row.block_number, row.log_index)) loans.add(loan);
        deleteLog.run(scope, row.block_number, row.log_index);
        removed += 1;
      }
      let added = 0;
      for (const log of logs) {
        if (held.has(identity(log))) continue;
        const event = decodeLoanLog(log, settings);
        if (event === null) continue;
        const kind = event === "unknown" ? event : event.kind;
        insertLog.run({ ...log, scope, kind, topics: JSON.stringify(log.topics) });
        added += 1;
        if (event === "unknown") continue;
        for (const { loan, token, token_id } of mentionsOf(event)) {
          loans.add(loan);
          const id = token_id === null ? null : String(token_id);
          insertMention.run(scope, log.block_number, log.log_index, loan, token, id);
        }
        if ("terms" in event && event.terms !== null) terms.push(event.terms);
      }
      return { added, removed, loans, terms };
    },
  };
}

/** A block's hash commits to its logs, so place and block are the whole log. */
function identity({ block_hash, log_index }: { block_hash: Hex; log_index: number }): string {
  return `${block_hash}:${log_index}`;
}
