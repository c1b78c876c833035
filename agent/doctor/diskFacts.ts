import { statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";

/** What is free on the data directory's file system to this user, and what the spool in it holds, in bytes. */
export async function diskFacts(data_dir: string): Promise<{ free_bytes: number; spool_bytes: number }> {
  const { bavail, bsize } = await statfs(data_dir);
  const spool = ["spool.db", "spool.db-wal"].map(
    (name) => statSync(join(data_dir, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return { free_bytes: bavail * bsize, spool_bytes: spool.reduce((sum, size) => sum + size, 0) };
}
