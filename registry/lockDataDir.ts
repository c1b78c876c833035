import { join } from "node:path";
import Database from "better-sqlite3";
import { CaliberError } from "../protocol/errors.js";

/**
 * Holds a data directory for one registry alone: the log has one writer. The lock is SQLite's own on an empty file, so
 * it goes with the process, however that ends; short-lived commands may still read and add tokens beside it.
 *
 * @returns how to let go.
 * @throws CaliberError REGISTRY_RUNNING
 */
export function lockDataDir(data_dir: string): () => void {
  const path = join(data_dir, "registry.lock");
  const lock = new Database(path, { timeout: 0 });
  try {
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new CaliberError("REGISTRY_RUNNING", `another registry holds ${data_dir}`, {
      cause,
      disposition: "user",
    });
  }
  return () => void lock.close();
}
