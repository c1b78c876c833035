import { createHash } from "node:crypto";
import { createEvidenceLog } from "../log/evidenceLog.js";
import { storeTiles } from "../log/storeTiles.js";
import { verifyLog } from "../log/verifyLog.js";
import { createMeta } from "./meta.js";
import type { Db } from "./openDatabase.js";
import { createProjector } from "./projector.js";
import { derivedTables, schemaSql } from "./schema.js";

export type RebuildResult = { entries: number; root: string; digests: Record<string, string> };

/**
 * Drops every derived table and makes it again from the log alone, after checking the log against its own promises. All
 * or nothing: half of it, with the cursor of before, would pass for the whole.
 *
 * @param evidence_root see createFleetFold.
 * @throws CaliberError LOG_TORN, LOG_CONTRADICTS_CHECKPOINT
 */
export function rebuild(db: Db, evidence_root?: string): RebuildResult {
  const { size, root } = verifyLog(db);
  const origin = createMeta(db).get("origin") ?? "";
  db.transaction(() => {
    for (const table of derivedTables) db.exec(`DROP TABLE IF EXISTS ${table}`);
    db.exec(schemaSql);
    storeTiles(db, size);
    createProjector(db, createEvidenceLog(db), origin, evidence_root);
  }).immediate();
  return { entries: size, root: root.toString("hex"), digests: tableDigests(db) };
}

/** Brings the derived tables up to the log's end, as a registry does when it starts: after a crash they lag behind. */
export function catchUp(db: Db): void {
  createProjector(db, createEvidenceLog(db), createMeta(db).get("origin") ?? "");
}

/** SHA-256 of each derived table's rows in key order: two tables with one digest are byte-equal. */
export function tableDigests(db: Db): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const table of derivedTables) {
    const hash = createHash("sha256");
    const columns = db.prepare<[], { name: string }>(`SELECT name FROM pragma_table_info('${table}')`).all();
    const order = columns.map(({ name }) => name).join(", ");
    for (const row of db.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).raw().iterate()) {
      hash.update(JSON.stringify(row));
    }
    digests[table] = hash.digest("hex");
  }
  return digests;
}
