import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCompactRange } from "../../protocol/merkle/compactRange.js";
import { emptyRoot } from "../../protocol/merkle/emptyRoot.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { verifyConsistency } from "../../protocol/merkle/verifyConsistency.js";
import { verifyInclusion } from "../../protocol/merkle/verifyInclusion.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createEvidenceLog, type EvidenceLog } from "./evidenceLog.js";
import { storeTiles } from "./storeTiles.js";

let directory: string;
let db: Db;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-log-"));
  db = openDatabase(join(directory, "registry.db"));
});
afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

const entry = (idx: number): Buffer => Buffer.from(`entry ${idx}`);
/** Appends up to `size` and gives the root after each entry, kept apart from the log. */
const grow = (log: EvidenceLog, size: number): Buffer[] => {
  const range = createCompactRange();
  const roots: Buffer[] = [emptyRoot];
  db.transaction(() => {
    for (let idx = 0; idx < size; idx += 1) {
      if (log.append(entry(idx)) !== idx) throw new Error(`entry ${idx} went elsewhere`);
      range.append(leafHash(entry(idx)));
      roots.push(range.root());
    }
  })();
  return roots;
};
const checkInclusion = (log: EvidenceLog, idx: number, size: number, root: Buffer): void =>
  verifyInclusion(leafHash(entry(idx)), idx, size, log.inclusion(idx, size), root);
const tiles = (): unknown[] => db.prepare("SELECT * FROM tile ORDER BY level, n").all();

describe("the evidence log", () => {
  it("is empty at first", () => {
    const log = createEvidenceLog(db);
    expect([log.size(), log.root(), log.rootAt(0)]).toEqual([0, emptyRoot, emptyRoot]);
    expect(log.read(0)).toBeNull();
    expect(() => log.leaf(0)).toThrow(RangeError);
    expect(() => log.inclusion(0, 0)).toThrow(RangeError);
  });

  it("proves every entry in every tree, and every tree in every later one, up to 70", () => {
    const log = createEvidenceLog(db);
    const roots = grow(log, 70);
    for (let size = 1; size <= 70; size += 1) {
      expect(log.rootAt(size)).toEqual(roots[size]);
      for (let idx = 0; idx < size; idx += 1) checkInclusion(log, idx, size, roots[size]!);
      for (let old = 0; old <= size; old += 1) {
        verifyConsistency(old, size, log.consistency(old, size), roots[old]!, roots[size]!);
      }
    }
  });

  it("does so across the borders of tiles", () => {
    const log = createEvidenceLog(db);
    const roots = grow(log, 770);
    const borders = [255, 256, 257, 258, 511, 512, 513, 514, 515, 767, 768, 769, 770];
    for (const size of borders) {
      expect(log.rootAt(size)).toEqual(roots[size]);
      for (const idx of [0, 1, 127, 128, 254, 255, 256, 257, 511, 512, 767, size - 1]) {
        if (idx < size) checkInclusion(log, idx, size, roots[size]!);
      }
      for (const old of [1, 2, 200, 300, ...borders].filter((n) => n <= size)) {
        verifyConsistency(old, size, log.consistency(old, size), roots[old]!, roots[size]!);
      }
    }
    expect(tiles()).toHaveLength(3);
  });

  it("holds a second level of tiles, and makes the same ones again from the leaves", () => {
    const log = createEvidenceLog(db);
    const size = 65_800;
    const roots = grow(log, size);
    expect(log.root()).toEqual(roots[size]);
    for (const idx of [0, 255, 256, 40_000, 65_535, 65_536, 65_791, 65_792, size - 1]) {
      checkInclusion(log, idx, size, roots[size]!);
    }
    checkInclusion(log, 65_535, 65_536, roots[65_536]!);
    for (const old of [1, 300, 65_535, 65_536, 65_537, 65_792]) {
      verifyConsistency(old, size, log.consistency(old, size), roots[old]!, roots[size]!);
    }
    const before = tiles();
    expect(before).toHaveLength(257 + 1);
    db.exec("DELETE FROM tile");
    storeTiles(db, size);
    expect(tiles()).toEqual(before);
    expect(createEvidenceLog(db).root()).toEqual(roots[size]);
  });

  it.each([1, 255, 256, 257, 512])("goes on from %i entries when it is opened again", (size) => {
    const first = createEvidenceLog(db);
    const roots = grow(first, size);
    const again = createEvidenceLog(db);
    expect([again.size(), again.root()]).toEqual([size, roots[size]]);
    expect(again.append(Buffer.from("more"))).toBe(size);
    const range = createCompactRange();
    for (let idx = 0; idx < size; idx += 1) range.append(leafHash(entry(idx)));
    range.append(leafHash(Buffer.from("more")));
    expect(again.root()).toEqual(range.root());
    expect(again.read(size)).toEqual(Buffer.from("more"));
  });

  it("reads entries in order from a place on", () => {
    const log = createEvidenceLog(db);
    grow(log, 5);
    expect([...log.scan(3)]).toEqual([
      { idx: 3, bytes: entry(3) },
      { idx: 4, bytes: entry(4) },
    ]);
  });

  it("lets nobody change or delete an entry", () => {
    grow(createEvidenceLog(db), 3);
    const appendOnly = /the log is append-only/;
    expect(() => db.exec("UPDATE entry SET bytes = x'00' WHERE idx = 1")).toThrow(appendOnly);
    expect(() => db.exec("UPDATE entry SET leaf = x'00'")).toThrow(appendOnly);
    expect(() => db.exec("DELETE FROM entry WHERE idx = 2")).toThrow(appendOnly);
    expect(() => db.exec("INSERT INTO entry VALUES (1, x'00', x'00')")).toThrow(appendOnly);
    expect(() => db.exec("INSERT INTO entry VALUES (4, x'00', x'00')")).toThrow(appendOnly);
    // SQLite's REPLACE deletes without firing delete triggers.
    expect(() => db.exec("INSERT OR REPLACE INTO entry VALUES (1, x'00', x'00')")).toThrow(appendOnly);
    expect(createEvidenceLog(db).read(1)).toEqual(entry(1));
  });
});
