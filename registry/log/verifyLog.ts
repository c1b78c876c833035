import { CaliberError } from "../../protocol/errors.js";
import { createCompactRange } from "../../protocol/merkle/compactRange.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import type { Db } from "../store/openDatabase.js";

/**
 * Reads the whole log and holds every entry against its leaf hash and every signed checkpoint against the tree.
 *
 * @throws CaliberError LOG_TORN, LOG_CONTRADICTS_CHECKPOINT
 */
export function verifyLog(db: Db): { size: number; root: Buffer } {
  const checkpoints = new Map(
    db
      .prepare<[], { size: number; root: Buffer }>("SELECT size, root FROM checkpoint")
      .all()
      .map(({ size, root }) => [size, root]),
  );
  const range = createCompactRange();
  const holdAgainstCheckpoint = (): void => {
    const promised = checkpoints.get(range.size());
    if (promised !== undefined && !promised.equals(range.root())) {
      throw new CaliberError(
        "LOG_CONTRADICTS_CHECKPOINT",
        `the tree of ${range.size()} entries differs from its checkpoint`,
      );
    }
    checkpoints.delete(range.size());
  };
  holdAgainstCheckpoint();
  const entries = db.prepare<[], { idx: number; bytes: Buffer; leaf: Buffer }>(
    "SELECT * FROM entry ORDER BY idx",
  );
  for (const { idx, bytes, leaf } of entries.iterate()) {
    if (idx !== range.size()) throw new CaliberError("LOG_TORN", `entry ${range.size()} is missing`);
    if (!leafHash(bytes).equals(leaf))
      throw new CaliberError("LOG_TORN", `entry ${idx} is not what was hashed`);
    range.append(leaf);
    holdAgainstCheckpoint();
  }
  const [beyond] = checkpoints.keys();
  if (beyond !== undefined) {
    throw new CaliberError(
      "LOG_CONTRADICTS_CHECKPOINT",
      `a checkpoint of ${beyond} entries was signed, which are not there`,
    );
  }
  return { size: range.size(), root: range.root() };
}
