import { createCompactRange } from "../../protocol/merkle/compactRange.js";
import { consistencyProof } from "../../protocol/merkle/consistencyProof.js";
import { inclusionProof, rangeRoot, type SubtreeHash } from "../../protocol/merkle/inclusionProof.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { nodeHash } from "../../protocol/merkle/nodeHash.js";
import type { Db } from "../store/openDatabase.js";

/** Tiles are 256 wide (C2SP tlog-tiles): a tile root stands eight levels above its leaves. */
const tileHeight = 8;
const tileWidth = 2 ** tileHeight;

export type EvidenceLog = {
  size(): number;
  root(): Buffer;
  /**
   * Appends one entry inside the caller's transaction and gives its index. When that transaction fails the tree in
   * memory is ahead of the store: the process must not go on.
   */
  append(bytes: Buffer): number;
  read(idx: number): Buffer | null;
  leaf(idx: number): Buffer;
  /** Entries from `idx` on, in order. */
  scan(idx: number): IterableIterator<{ idx: number; bytes: Buffer }>;
  rootAt(size: number): Buffer;
  inclusion(idx: number, size: number): Uint8Array[];
  consistency(oldSize: number, newSize: number): Uint8Array[];
};

/** The append-only sequence of entries and the RFC 6962 tree over it. One writer. */
export function createEvidenceLog(db: Db): EvidenceLog {
  const insertEntry = db.prepare("INSERT INTO entry (idx, bytes, leaf) VALUES (?, ?, ?)");
  const insertTile = db.prepare("INSERT OR IGNORE INTO tile (level, n, hash) VALUES (?, ?, ?)");
  const readBytes = db.prepare<[number], { bytes: Buffer }>("SELECT bytes FROM entry WHERE idx = ?");
  const readLeaf = db.prepare<[number], { leaf: Buffer }>("SELECT leaf FROM entry WHERE idx = ?");
  const readTile = db.prepare<[number, number], { hash: Buffer }>(
    "SELECT hash FROM tile WHERE level = ? AND n = ?",
  );
  const scanEntries = db.prepare<[number], { idx: number; bytes: Buffer }>(
    "SELECT idx, bytes FROM entry WHERE idx >= ? ORDER BY idx",
  );
  const count = db.prepare<[], { size: number }>("SELECT coalesce(max(idx) + 1, 0) AS size FROM entry");

  /** Leaves appended since the last tile was full, or since the start: read again when their tile is. */
  let filling: Buffer[] = [];
  let fillingFrom = count.get()!.size;

  const leaf = (idx: number): Buffer => {
    const fresh = filling[idx - fillingFrom];
    if (fresh !== undefined) return fresh;
    const row = readLeaf.get(idx);
    if (row === undefined) throw new RangeError(`entry ${idx} is not in the log`);
    return row.leaf;
  };

  /** Hash of the perfect subtree `index` at `level`, from leaves or from the nearest stored tile roots below. */
  const subtree: SubtreeHash = (level, index) => {
    const tileLevel = Math.floor(level / tileHeight);
    if (level % tileHeight === 0) {
      if (tileLevel === 0) return leaf(index);
      const stored = readTile.get(tileLevel, index);
      if (stored !== undefined) return stored.hash;
    }
    return nodeHash(subtree(level - 1, index * 2), subtree(level - 1, index * 2 + 1));
  };

  const open = (size: number): { size: number; hashes: Uint8Array[] } => {
    const hashes: Uint8Array[] = [];
    let start = 0;
    for (let width = 2 ** 52; width >= 1; width /= 2) {
      if (size - start >= width) {
        hashes.push(rangeRoot(start, width, subtree, nodeHash));
        start += width;
      }
    }
    return { size, hashes };
  };

  const range = createCompactRange(open(fillingFrom));

  /** Stores the roots of the tiles that the entry just appended completes. */
  const closeTiles = (size: number): void => {
    for (let level = 1, width = tileWidth; size % width === 0; level += 1, width *= tileWidth) {
      insertTile.run(level, size / width - 1, subtree(level * tileHeight, size / width - 1));
    }
  };

  return {
    size: () => range.size(),
    root: () => range.root(),
    append(bytes) {
      const idx = range.size();
      const hash = leafHash(bytes);
      insertEntry.run(idx, bytes, hash);
      range.append(hash);
      filling.push(hash);
      if ((idx + 1) % tileWidth === 0) {
        closeTiles(idx + 1);
        filling = [];
        fillingFrom = idx + 1;
      }
      return idx;
    },
    read: (idx) => readBytes.get(idx)?.bytes ?? null,
    leaf,
    scan: (idx) => scanEntries.iterate(idx),
    rootAt: (size) =>
      size === 0 ? createCompactRange().root() : Buffer.from(rangeRoot(0, size, subtree, nodeHash)),
    inclusion: (idx, size) => inclusionProof(idx, size, subtree, nodeHash),
    consistency: (oldSize, newSize) => consistencyProof(oldSize, newSize, subtree),
  };
}
