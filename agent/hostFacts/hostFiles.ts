import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The small files in which a system tells of itself, by absolute path. */
export type HostFiles = {
  /** The first 64 KiB as Latin-1; null for a file that is absent or may not be read: both mean "unknown". */
  read(path: string): string | null;
  exists(path: string): boolean;
  /** Names in a directory, sorted; none when it is absent or may not be read. */
  list(path: string): string[];
};

const maxBytes = 64 * 1024;

/** What a file that cannot be had fails with; anything else is a fault of ours and is thrown. */
const unreadable = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EISDIR", "EIO", "ENXIO", "ENODEV"]);

/** The files below `root`. */
export function hostFiles(root = "/"): HostFiles {
  return {
    read: (path) =>
      orElse(null, () => readFileSync(join(root, path)).subarray(0, maxBytes).toString("latin1")),
    exists: (path) => existsSync(join(root, path)),
    list: (path) => orElse([], () => readdirSync(join(root, path)).sort()),
  };
}

function orElse<T>(absent: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (unreadable.has((error as NodeJS.ErrnoException).code ?? "")) return absent;
    throw error;
  }
}
