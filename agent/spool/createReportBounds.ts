import type { Db } from "./openSpoolDatabase.js";
import type { Dropped, SpoolLimits } from "./spool.js";

/** When full, a twentieth goes at once: one gap then tells of many reports, not one of each. */
const kept_share = 0.95;
const batch = 500;

export type ReportBounds = { forgetBelow(size: number): number; makeRoom(): Dropped[] };

type Row = {
  id: number;
  device: string;
  seq: number;
  start_ms: number;
  end_ms: number;
  told_from: number | null;
  idx: number | null;
};

/** Deletion of reports: those that are safe on chain, and, when there is no room, those that are not. */
export function createReportBounds(db: Db, limits: SpoolLimits): ReportBounds {
  const forget = db.prepare("DELETE FROM report WHERE idx IS NOT NULL AND idx < ?");
  const usage = db.prepare("SELECT reports, report_bytes FROM usage");
  // A receipted report is in the registry's log, an unreceipted one nowhere else.
  const columns = "id, device, seq, start_ms, end_ms, told_from, idx";
  const receipted = db.prepare(
    `SELECT ${columns} FROM report WHERE idx IS NOT NULL ORDER BY idx LIMIT ${batch}`,
  );
  const waiting = db.prepare(`SELECT ${columns} FROM report WHERE idx IS NULL ORDER BY id LIMIT ${batch}`);
  const remove = db.prepare("DELETE FROM report WHERE id = ?");
  const isFull = (share: number): boolean => {
    const { reports, report_bytes } = usage.get() as { reports: number; report_bytes: number };
    return reports > limits.max_reports * share || report_bytes > limits.max_report_bytes * share;
  };
  return {
    forgetBelow: (size) => forget.run(size).changes,
    makeRoom() {
      const dropped = new Map<string, Dropped>();
      if (!isFull(1)) return [];
      while (isFull(kept_share)) {
        const settled = receipted.all() as Row[];
        for (const row of settled.length > 0 ? settled : (waiting.all() as Row[])) {
          if (!isFull(kept_share)) break;
          remove.run(row.id);
          if (row.idx === null) tell(dropped, row);
        }
      }
      return [...dropped.values()];
    },
  };
}

/** Widens what is told of a device by one report; an overflow gap that goes itself hands on what it told. */
function tell(dropped: Map<string, Dropped>, { device, seq, told_from, start_ms, end_ms }: Row): void {
  const from_seq = told_from ?? seq;
  const so_far = dropped.get(device);
  dropped.set(device, {
    device,
    from_seq: Math.min(so_far?.from_seq ?? from_seq, from_seq),
    to_seq: Math.max(so_far?.to_seq ?? seq, seq),
    from_ms: Math.min(so_far?.from_ms ?? start_ms, start_ms),
    to_ms: Math.max(so_far?.to_ms ?? end_ms, end_ms),
  });
}
