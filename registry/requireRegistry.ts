import { existsSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../protocol/errors.js";
import { databasePath } from "./databasePath.js";
import { keyPaths } from "./keys/keyPaths.js";

/**
 * Refuses a directory without a registry in it. What works on one must not make another because a path was mistyped, nor a new
 * key where the old one was moved away.
 *
 * @throws CaliberError REGISTRY_NOT_MADE
 */
export function requireRegistry(data_dir: string): void {
  const needed = [databasePath(data_dir), keyPaths.now(join(data_dir, "keys"), "receipt")];
  if (needed.every((path) => existsSync(path))) return;
  throw new CaliberError("REGISTRY_NOT_MADE", `${data_dir} holds no registry: caliber registry init`, {
    disposition: "user",
  });
}
