import { createEvidenceLog } from "./log/evidenceLog.js";
import { createLedger, type Ledger } from "./log/ledger.js";
import { createMeta } from "./store/meta.js";
import type { Db } from "./store/openDatabase.js";
import { createProjector } from "./store/projector.js";

/**
 * Writes to the log of a registry that does not run. The data directory's lock must be held, since the log has one writer.
 * What was written is durable and folded in when this returns.
 */
export function writeStopped(
  db: Db,
  now_ms: () => number,
  write: (ledger: Pick<Ledger, "add">) => void,
): void {
  const log = createEvidenceLog(db);
  const projector = createProjector(db, log, createMeta(db).get("origin") ?? "");
  const ledger = createLedger({
    db,
    log,
    projector,
    now_ms,
    group_ms: 1,
    tick_ms: 60_000,
    flush_ms: 1,
    onFatal(error) {
      throw error;
    },
  });
  try {
    write(ledger);
    ledger.settle();
  } finally {
    ledger.stop();
  }
}
