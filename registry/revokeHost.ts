import { CaliberError } from "../protocol/errors.js";
import { databasePath } from "./databasePath.js";
import { lockDataDir } from "./lockDataDir.js";
import { createEvidenceLog } from "./log/evidenceLog.js";
import { createLedger } from "./log/ledger.js";
import { createMeta } from "./store/meta.js";
import { openDatabase } from "./store/openDatabase.js";
import { createProjector } from "./store/projector.js";

/**
 * Puts a host's revocation into the log of a registry that is not running: the log has one writer. From the next start
 * on the host can neither connect nor renew; what it reported before stays as it is.
 *
 * @throws CaliberError REGISTRY_RUNNING, HOST_UNKNOWN, HOST_REVOKED
 */
export function revokeHost(options: {
  data_dir: string;
  host: string;
  reason: string;
  now_ms: () => number;
}): void {
  const { data_dir, host, reason, now_ms } = options;
  const unlock = lockDataDir(data_dir);
  const db = openDatabase(databasePath(data_dir));
  try {
    const log = createEvidenceLog(db);
    const projector = createProjector(db, log, createMeta(db).get("origin") ?? "");
    const row = db
      .prepare<[string], { revoked: number }>("SELECT revoked FROM host WHERE host = ?")
      .get(host);
    if (row === undefined) throw userError("HOST_UNKNOWN", `no host ${host} is enrolled`);
    if (row.revoked === 1) throw userError("HOST_REVOKED", `host ${host} is revoked already`);
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
    ledger.add("key", { type: "revoke-host", at_ms: now_ms(), host, reason });
    ledger.settle();
    ledger.stop();
  } finally {
    db.close();
    unlock();
  }
}

function userError(code: string, message: string): CaliberError {
  return new CaliberError(code, message, { disposition: "user" });
}
