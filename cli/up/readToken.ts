import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { replaceFile } from "../../agent/files/replaceFile.js";
import { createApiTokens } from "../../registry/api/apiTokens.js";
import { databasePath } from "../../registry/databasePath.js";
import { openDatabase } from "../../registry/store/openDatabase.js";

/** The read token of this data directory, kept in a file of mode 0600 beside it: for the display and for its owner. */
export function readToken(file: string, registry_dir: string): string {
  mkdirSync(registry_dir, { recursive: true, mode: 0o700 });
  const db = openDatabase(databasePath(registry_dir));
  try {
    const tokens = createApiTokens(db);
    const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : null;
    if (kept !== null && tokens.isKnown(kept)) return kept;
    const token = tokens.create("up");
    replaceFile(file, `${token}\n`);
    return token;
  } finally {
    db.close();
  }
}
