import type { RejectBody } from "../../protocol/log/entryBodies.js";
import type { Db } from "../store/openDatabase.js";

export type RejectStore = {
  /**
   * How to keep refused bytes with their reason, to be run within the commit that logs the refusal; null when the
   * same bytes are on record, or about to be.
   */
  keep(body: RejectBody, bytes: Buffer): (() => void) | null;
};

export function createRejectStore(db: Db): RejectStore {
  const known = db.prepare("SELECT 1 FROM rejected WHERE digest = ?");
  const insert = db.prepare("INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?)");
  const underway = new Set<string>();
  return {
    keep({ digest, host, device, code, at_ms }, bytes) {
      const key = Buffer.from(digest, "hex");
      if (underway.has(digest) || known.get(key) !== undefined) return null;
      underway.add(digest);
      return () => {
        insert.run(key, host, device, code, at_ms, bytes);
        underway.delete(digest);
      };
    },
  };
}
