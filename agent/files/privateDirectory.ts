import { mkdirSync, statSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";

/**
 * Makes `path` a directory that only its owner may enter (0700), or checks that it is one.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS
 */
export function privateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) {
    throw new CaliberError("KEY_FILE_PERMISSIONS", `others may enter ${path}; set it to mode 0700`, {
      disposition: "user",
    });
  }
}
