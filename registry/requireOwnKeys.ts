import { existsSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../protocol/errors.js";
import { keyPaths } from "./keys/keyPaths.js";
import type { Meta } from "./store/meta.js";

/**
 * Refuses a log whose keys are not beside it: made anew they would go unnoticed until every agent and reader refused them. A
 * log has its origin from its first start on.
 *
 * @throws CaliberError REGISTRY_KEY_MISSING
 */
export function requireOwnKeys(data_dir: string, meta: Pick<Meta, "get">): void {
  if (meta.get("origin") === null) return;
  for (const purpose of ["receipt", "log"] as const) {
    const path = keyPaths.now(join(data_dir, "keys"), purpose);
    if (existsSync(path)) continue;
    throw new CaliberError("REGISTRY_KEY_MISSING", `${path} is not there, but the registry's log is`, {
      details: "restore the key; without it the log cannot go on, and a new registry has to be started",
      disposition: "user",
    });
  }
}
