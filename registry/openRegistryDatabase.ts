import { join } from "node:path";
import { CaliberError } from "../protocol/errors.js";
import { type Db, openDatabase } from "./store/openDatabase.js";

/**
 * Opens a data directory's database for one registry alone: the log has one writer. The lock goes with the process,
 * however it ends.
 *
 * @throws CaliberError REGISTRY_RUNNING
 */
export function openRegistryDatabase(data_dir: string): Db {
  const path = join(data_dir, "registry.db");
  const db = openDatabase(path);
  try {
    // An exclusive lock is taken with the first write and kept until the connection closes.
    db.pragma("locking_mode = EXCLUSIVE");
    db.exec("BEGIN IMMEDIATE; COMMIT;");
  } catch (cause) {
    db.close();
    throw new CaliberError("REGISTRY_RUNNING", `another process holds ${path}`, {
      cause,
      disposition: "user",
    });
  }
  return db;
}
