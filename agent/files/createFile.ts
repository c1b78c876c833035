import { linkSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "./syncDirectory.js";
import { writeTemporary } from "./writeTemporary.js";

/**
 * Puts `bytes` at `path` (mode 0600) in one step, and never over something that is there: `link` fails where `rename`
 * would replace.
 *
 * @throws the system's EEXIST when `path` exists.
 */
export function createFile(path: string, bytes: string | Uint8Array): void {
  const temporary = writeTemporary(path, bytes);
  try {
    linkSync(temporary, path);
  } finally {
    unlinkSync(temporary);
  }
  syncDirectory(dirname(path));
}
