import { existsSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../protocol/errors.js";
import { databasePath } from "./databasePath.js";
import { keyPaths } from "./keys/keyPaths.js";

/**
 * Refuses a database whose keys are not beside it: made anew they would go unnoticed until every agent and reader refused them.
 * Keys are made before the database is.
 *
 * @throws CaliberError REGISTRY_KEY_MISSING
 */
export function requireOwnKeys(data_dir: string): void {
  if (!existsSync(databasePath(data_dir))) return;
  for (const purpose of ["receipt", "log"] as const) {
    const path = keyPaths.now(join(data_dir, "keys"), purpose);
    if (existsSync(path)) continue;
    throw new CaliberError("REGISTRY_KEY_MISSING", `${path} is not there, but the registry's database is`, {
      details: "restore the key; without it the log cannot go on, and a new registry has to be started",
      disposition: "user",
    });
  }
}
