import { createCompactRange } from "../../protocol/merkle/compactRange.js";
import type { Db } from "../store/openDatabase.js";

const tileWidth = 256;

/** Makes the tile roots of a log of `size` entries again, level by level, from the leaf hashes. */
export function storeTiles(db: Db, size: number): void {
  const insert = db.prepare("INSERT INTO tile (level, n, hash) VALUES (?, ?, ?)");
  const leaves = db.prepare<[number, number], { hash: Buffer }>(
    "SELECT leaf AS hash FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
  );
  const below = db.prepare<[number, number, number], { hash: Buffer }>(
    "SELECT hash FROM tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n",
  );
  db.transaction(() => {
    for (let level = 1, count = Math.floor(size / tileWidth); count > 0; level += 1) {
      for (let n = 0; n < count; n += 1) {
        const from = n * tileWidth;
        const hashes =
          level === 1 ? leaves.all(from, from + tileWidth) : below.all(level - 1, from, from + tileWidth);
        const range = createCompactRange();
        for (const { hash } of hashes) range.append(hash);
        insert.run(level, n, range.root());
      }
      count = Math.floor(count / tileWidth);
    }
  })();
}
