import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

export type Receipted = { device: string; seq: number; statement: string; idx: number };
export type ReceiptWatch = {
  /** Every report that an agent has ever held a receipt for, by its statement. */
  seen: Map<string, Receipted>;
  /** Reports that no receipt has come for yet, as of now. */
  waiting(): number;
  stop(): void;
};

const every_ms = 100;

/**
 * Reads the agents' spools beside them. What was receipted and then forgotten, since an anchor covers it, has been
 * seen before: an anchor takes a block.
 *
 * @throws Error when a report's receipt changes its place in the log.
 */
export function watchReceipts(host_dirs: readonly string[]): ReceiptWatch {
  const seen = new Map<string, Receipted>();
  const read = <Row>(dir: string, sql: string): Row[] => {
    const path = join(dir, "spool.db");
    if (!existsSync(path)) return [];
    const db = new Database(path, { fileMustExist: true, timeout: 2000 });
    try {
      return db.prepare<[], Row>(sql).all();
    } catch (error) {
      // The agent has only just begun to make its tables.
      if (error instanceof Database.SqliteError && error.message.startsWith("no such table")) return [];
      throw error;
    } finally {
      db.close();
    }
  };
  const look = (): void => {
    for (const dir of host_dirs) {
      const sql = "SELECT device, seq, statement, idx FROM report WHERE idx IS NOT NULL";
      for (const row of read<Receipted>(dir, sql)) {
        const before = seen.get(row.statement);
        if (before !== undefined && before.idx !== row.idx) {
          throw new Error(`statement ${row.statement} was receipted at ${before.idx} and at ${row.idx}`);
        }
        seen.set(row.statement, row);
      }
    }
  };
  const timer = setInterval(look, every_ms);
  return {
    seen,
    waiting() {
      look();
      const sql = "SELECT count(*) AS count FROM report WHERE idx IS NULL";
      return host_dirs
        .flatMap((dir) => read<{ count: number }>(dir, sql))
        .reduce((sum, { count }) => sum + count, 0);
    },
    stop: () => clearInterval(timer),
  };
}
