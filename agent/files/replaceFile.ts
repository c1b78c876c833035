import { renameSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "./syncDirectory.js";
import { writeTemporary } from "./writeTemporary.js";

/** Puts `bytes` at `path` (mode 0600) in one step that survives a crash: the old content or the new, never a mix. */
export function replaceFile(path: string, bytes: string | Uint8Array): void {
  renameSync(writeTemporary(path, bytes), path);
  syncDirectory(dirname(path));
}
