import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { CaliberError } from "../../protocol/errors.js";

/**
 * Takes a data directory for this process alone: two agents with one key would sign one seq twice. SQLite's file lock
 * is the system's, so it goes with the process, however that ends.
 *
 * @returns a function that gives the directory free.
 * @throws CaliberError DATA_DIR_LOCKED, NOT_ENROLLED when there is no such directory, DATA_DIR_UNUSABLE when it cannot be written
 */
export function lockDataDir(data_dir: string): () => void {
  const path = join(data_dir, "agent.lock");
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw new CaliberError("NOT_ENROLLED", `${data_dir} is not there; run caliber agent enroll`, {
        cause,
        disposition: "user",
      });
    }
    throw new CaliberError("DATA_DIR_UNUSABLE", `${data_dir} cannot be locked: ${(cause as Error).message}`, {
      cause,
      disposition: "user",
    });
  }
  const db = new Database(path, { timeout: 0 });
  try {
    db.pragma("journal_mode = DELETE");
    db.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    if ((cause as { code?: unknown }).code !== "SQLITE_BUSY") throw cause;
    throw new CaliberError("DATA_DIR_LOCKED", `another agent runs on ${data_dir}`, {
      cause,
      disposition: "user",
    });
  }
  return () => void db.close();
}
