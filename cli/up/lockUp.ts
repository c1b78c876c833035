import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { CaliberError } from "../../protocol/errors.js";

/**
 * Holds a data directory for one `caliber up` alone: a second one would take other ports and start a second chain on
 * the same state. SQLite's file lock is the system's, so it goes with the process, however that ends.
 *
 * @returns how to let go.
 * @throws CaliberError UP_RUNNING
 */
export function lockUp(data_dir: string): () => void {
  const path = join(data_dir, "up.lock");
  closeSync(openSync(path, "a", 0o600));
  const lock = new Database(path, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    if ((cause as { code?: unknown }).code !== "SQLITE_BUSY") throw cause;
    throw new CaliberError("UP_RUNNING", `another caliber up runs on ${data_dir}`, {
      cause,
      disposition: "user",
      details: "stop it first, or give this one a data directory of its own with --data-dir",
    });
  }
  return () => void lock.close();
}
