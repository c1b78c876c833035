import { join } from "node:path";
import Database from "better-sqlite3";
import { CaliberError } from "../protocol/errors.js";

/**
 * Holds a data directory for one registry alone: the log has one writer. The lock is SQLite's own on an empty file, so
 * it goes with the process, however that ends; short-lived commands may still read and add tokens beside it.
 *
 * @returns how to let go.
 * @throws CaliberError REGISTRY_RUNNING, DATA_DIR_UNUSABLE when the lock's file cannot be opened or written
 */
export function lockDataDir(data_dir: string): () => void {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(join(data_dir, "registry.lock"), { timeout: 0 });
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock?.close();
    if (cause instanceof Database.SqliteError && cause.code === "SQLITE_BUSY") {
      throw new CaliberError("REGISTRY_RUNNING", `another registry holds ${data_dir}`, {
        cause,
        disposition: "user",
      });
    }
    throw new CaliberError("DATA_DIR_UNUSABLE", `${data_dir} cannot be locked: ${(cause as Error).message}`, {
      cause,
      disposition: "user",
    });
  }
  const held = lock;
  return () => void held.close();
}
