import { incurableRefusals } from "./incurableRefusals.js";
import type { Db } from "./openSpoolDatabase.js";
import type { RefusedReport, Spool } from "./spool.js";

/** What a receipt changes in the spool. The registry signed it, yet it may name what we never sent: that is ignored. */
export function settleReceipt(db: Db): Spool["settle"] {
  const keep = db.prepare(
    "UPDATE report SET idx = @idx WHERE device = @device AND seq = @seq AND statement = @statement",
  );
  const refused = db.prepare(
    "SELECT id, device, seq, kind FROM report WHERE digest = ? AND device = ? AND idx IS NULL",
  );
  const remove = db.prepare("DELETE FROM report WHERE id = ?");
  const setAside = db.prepare("INSERT OR IGNORE INTO aside (report) VALUES (?)");
  return (receipt) => {
    let kept = 0;
    for (const { device, seq, statement, idx } of receipt.kept) {
      kept += keep.run({ device, seq, statement, idx }).changes;
    }
    const refusals: RefusedReport[] = [];
    for (const { device, digest, code } of receipt.refused) {
      const row = refused.get(digest, device) as { id: number; seq: number; kind: string } | undefined;
      if (row === undefined) continue;
      const dropped = incurableRefusals.has(code);
      (dropped ? remove : setAside).run(row.id);
      refusals.push({ device, seq: row.seq, kind: row.kind, code, dropped });
    }
    return { kept, refused: refusals };
  };
}
