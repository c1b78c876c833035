import { hash } from "node:crypto";
import type { ChainHead } from "../../protocol/chain/chainHead.js";
import { genesisPrev } from "../../protocol/chain/chainHead.js";
import { createReportBounds } from "./createReportBounds.js";
import { createSampleRing } from "./createSampleRing.js";
import type { Db } from "./openSpoolDatabase.js";
import { settleReceipt } from "./settleReceipt.js";
import type { Spool, SpoolDepth, SpoolLimits, WaitingReport } from "./spool.js";

/** Own inventory statements kept, a device: a title's evidence must be one of them. */
const inventories_kept = 64;

/** A spool over an open database. It assumes that no other process writes there. */
export function createSpool(db: Db, limits: SpoolLimits): Spool {
  const bounds = createReportBounds(db, limits);
  const ring = createSampleRing(db, limits.max_sample_bytes);
  const settle = settleReceipt(db);
  const selectHead = db.prepare("SELECT seq, statement, window_end_ms FROM head WHERE device = ?");
  const putHead = db.prepare(
    `INSERT INTO head (device, seq, statement, window_end_ms) VALUES (@device, @seq, @statement, @window_end_ms)
     ON CONFLICT (device) DO UPDATE SET seq = @seq, statement = @statement, window_end_ms = @window_end_ms`,
  );
  const insertReport = db.prepare(
    `INSERT INTO report (device, seq, statement, digest, kind, envelope, start_ms, end_ms, told_from)
     VALUES (@device, @seq, @statement, @digest, @kind, @envelope, @start_ms, @end_ms, @told_from)`,
  );
  const insertInventory = db.prepare("INSERT INTO inventory (device, statement) VALUES (?, ?)");
  const trimInventory = db.prepare(
    `DELETE FROM inventory WHERE device = @device AND id NOT IN
       (SELECT id FROM inventory WHERE device = @device ORDER BY id DESC LIMIT ${inventories_kept})`,
  );
  const hasInventory = db.prepare("SELECT 1 FROM inventory WHERE device = ? AND statement = ?");
  const selectWaiting = db.prepare(
    `SELECT id, device, seq, statement, envelope FROM report
     WHERE idx IS NULL AND id > ? AND id NOT IN (SELECT report FROM aside) ORDER BY id LIMIT ?`,
  );
  const selectStatement = db.prepare("SELECT statement FROM report WHERE device = ? AND seq = ?").pluck();
  const unsettle = db.prepare(
    "UPDATE report SET idx = NULL WHERE device = ? AND seq > ? AND idx IS NOT NULL",
  );
  const release = db.prepare("DELETE FROM aside");
  const selectMeta = db.prepare("SELECT value FROM meta WHERE key = ?").pluck();
  const putMeta = db.prepare(
    "INSERT INTO meta (key, value) VALUES (@key, @value) ON CONFLICT (key) DO UPDATE SET value = @value",
  );
  const selectDepth = db.prepare("SELECT waiting, reports, report_bytes FROM usage");

  const transaction = <T>(act: () => T): T => db.transaction(act).immediate();
  const head = (device: string): ChainHead | null =>
    (selectHead.get(device) as ChainHead | undefined) ?? null;

  return {
    transaction,
    head,
    setHead: (device, at) => void putHead.run({ device, ...at }),
    append(device, sign) {
      transaction(() => {
        const at = head(device);
        const seq = at === null ? 0 : at.seq + 1;
        const link = { seq, prev: at?.statement ?? genesisPrev, window_end_ms: at?.window_end_ms ?? null };
        const { leaves, ...item } = sign(link);
        insertReport.run({ device, seq, digest: hash("sha256", item.envelope, "hex"), ...item });
        putHead.run({ device, seq, statement: item.statement, window_end_ms: item.end_ms });
        if (item.kind === "inventory") {
          insertInventory.run(device, item.statement);
          trimInventory.run({ device });
        }
        if (leaves !== null) ring.add(device, seq, leaves);
      });
    },
    waitingAfter: (id, limit) => selectWaiting.all(id, limit) as WaitingReport[],
    statementAt: (device, seq) => (selectStatement.get(device, seq) as string | undefined) ?? null,
    settle: (receipt) => transaction(() => settle(receipt)),
    releaseAside: () => release.run().changes,
    unsettleAbove: (device, seq) => unsettle.run(device, seq).changes,
    forgetBelow: (size) => bounds.forgetBelow(size),
    makeRoom: () => transaction(() => bounds.makeRoom()),
    isOwnInventory: (device, statement) => hasInventory.get(device, statement) !== undefined,
    leaves: (device, seq) => ring.read(device, seq),
    meta: (key) => (selectMeta.get(key) as string | undefined) ?? null,
    setMeta: (key, value) => void putMeta.run({ key, value }),
    depth: () => selectDepth.get() as SpoolDepth,
    close: () => void db.close(),
  };
}
