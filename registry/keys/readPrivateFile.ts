import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";

/**
 * The text of a file that its owner alone may read, or null when there is none.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS when others may read it
 */
export function readPrivateFile(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    // Of the open file, so that it is the one that is read.
    if ((fstatSync(file).mode & 0o077) !== 0) {
      throw new CaliberError("KEY_FILE_PERMISSIONS", `${path} can be read by others: chmod 600`, {
        disposition: "user",
      });
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
