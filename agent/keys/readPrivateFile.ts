import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";

/**
 * The text of a file that only its owner may read.
 *
 * @throws CaliberError KEY_MISSING, KEY_FILE_PERMISSIONS
 */
export function readPrivateFile(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw new CaliberError("KEY_MISSING", `there is no key at ${path}`, { cause, disposition: "user" });
  }
  try {
    // The open file is asked, not the name, which could be swapped in between.
    if ((fstatSync(fd).mode & 0o077) !== 0) {
      throw new CaliberError("KEY_FILE_PERMISSIONS", `others may read ${path}; set it to mode 0600`, {
        disposition: "user",
      });
    }
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}
