import type { RejectBody } from "../../protocol/log/entryBodies.js";
import type { Db } from "../store/openDatabase.js";

export type RejectStore = {
  /**
   * How to keep refused bytes with their reason, to be run within the commit that logs the refusal; null when the
   * same bytes are on record, or the host has filled its share for the hour.
   */
  keep(body: RejectBody, bytes: Buffer): (() => void) | null;
  /** The same for a statement that contradicts the record: one finding each, within the same share. */
  keepConflict(statement: string, host: string, at_ms: number): (() => void) | null;
};

/** An enrolled host may be hostile: it must not be able to fill the log with garbage of its own. */
const keptPerHostHour = 1000;
const hour_ms = 3_600_000;

export function createRejectStore(db: Db): RejectStore {
  const known = db.prepare("SELECT 1 FROM rejected WHERE digest = ?");
  const insert = db.prepare("INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?)");
  const knownConflict = db.prepare("SELECT 1 FROM conflict WHERE statement = ?");
  const insertConflict = db.prepare("INSERT INTO conflict VALUES (?)");
  const underway = new Set<string>();
  const shares = new Map<string, { hour: number; kept: number }>();

  const isOverShare = (host: string, at_ms: number): boolean => {
    const hour = Math.floor(at_ms / hour_ms);
    const share = shares.get(host);
    if (share === undefined || share.hour !== hour) {
      shares.set(host, { hour, kept: 1 });
      return false;
    }
    share.kept += 1;
    return share.kept > keptPerHostHour;
  };

  return {
    keep({ digest, host, device, code, at_ms }, bytes) {
      const key = Buffer.from(digest, "hex");
      if (underway.has(digest) || known.get(key) !== undefined || isOverShare(host, at_ms)) return null;
      underway.add(digest);
      return () => {
        insert.run(key, host, device, code, at_ms, bytes);
        underway.delete(digest);
      };
    },
    keepConflict(statement, host, at_ms) {
      const key = Buffer.from(statement, "hex");
      if (underway.has(statement) || knownConflict.get(key) !== undefined || isOverShare(host, at_ms))
        return null;
      underway.add(statement);
      return () => {
        insertConflict.run(key);
        underway.delete(statement);
      };
    },
  };
}
