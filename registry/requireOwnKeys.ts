import { existsSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../protocol/errors.js";
import { caFile } from "./enrol/saveCa.js";
import { keyPaths } from "./keys/keyPaths.js";
import type { Meta } from "./store/meta.js";

/**
 * Refuses a log whose keys, or whose CA, are not beside it: made anew they would go unnoticed until every agent and reader refused
 * them. A log has its origin from its first start on.
 *
 * @throws CaliberError REGISTRY_KEY_MISSING
 */
export function requireOwnKeys(data_dir: string, meta: Pick<Meta, "get">): void {
  if (meta.get("origin") === null) return;
  const keys = (["receipt", "log"] as const).map((purpose) => keyPaths.now(join(data_dir, "keys"), purpose));
  for (const path of [...keys, caFile(join(data_dir, "ca"))]) {
    if (existsSync(path)) continue;
    throw new CaliberError("REGISTRY_KEY_MISSING", `${path} is not there, but the registry's log is`, {
      details: "restore the key; without it the log cannot go on, and a new registry has to be started",
      disposition: "user",
    });
  }
}
