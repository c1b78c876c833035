import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/**
 * Writes `bytes` into a new file of mode 0600 beside `path`, synced to disk, and gives its name. Whoever calls it
 * moves it into place, so a reader never sees half a file.
 */
export function writeTemporary(path: string, bytes: string | Uint8Array): string {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const fd = openSync(temporary, "wx", 0o600);
  try {
    const data = Buffer.from(bytes as Uint8Array);
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return temporary;
}
