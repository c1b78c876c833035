import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes a rename, link or unlink in `path` survive a power cut (POSIX: the directory is what must be synced). */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
