import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file that only its owner can read, whole or not at all, and on disk when it returns. An existing file is
 * never replaced: EEXIST.
 */
export function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.new`;
  const file = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    // Not rename, which would replace a key that another process wrote meanwhile.
    linkSync(temporary, path);
  } finally {
    unlinkSync(temporary);
  }
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
