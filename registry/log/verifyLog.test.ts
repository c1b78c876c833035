import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { emptyRoot } from "../../protocol/merkle/emptyRoot.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createCheckpointer } from "./checkpointer.js";
import { createEvidenceLog, type EvidenceLog } from "./evidenceLog.js";
import { verifyLog } from "./verifyLog.js";

const key = generateKeyPairSync("ed25519").privateKey;
let db: Db;
let log: EvidenceLog;
const append = (from: number, to: number): void => {
  for (let idx = from; idx < to; idx += 1) log.append(Buffer.from(`entry ${idx}`));
};
beforeEach(() => {
  db = openDatabase(":memory:");
  log = createEvidenceLog(db);
  append(0, 6);
});
afterEach(() => void db.close());

/** What a person with the file in hand can do, triggers or not. */
const tamper = (sql: string, ...values: unknown[]): void => {
  for (const name of ["entry_no_update", "entry_no_delete", "entry_in_order"])
    db.exec(`DROP TRIGGER ${name}`);
  db.prepare(sql).run(...values);
};
const verify = () => verifyLog(db);
const torn = expect.objectContaining({ code: "LOG_TORN" });
const contradicts = expect.objectContaining({ code: "LOG_CONTRADICTS_CHECKPOINT" });

describe("verifyLog", () => {
  it("gives size and root of a log that is whole", () => {
    createCheckpointer(db, log, "o", key).current();
    append(6, 9);
    expect(verify()).toEqual({ size: 9, root: log.root() });
  });

  it("takes an empty log", () => {
    const empty = openDatabase(":memory:");
    expect(verifyLog(empty)).toEqual({ size: 0, root: emptyRoot });
    empty.close();
  });

  const forged = Buffer.from("entry X");
  it.each<[string, string, unknown[]]>([
    ["an entry that was changed", "UPDATE entry SET bytes = ? WHERE idx = 3", [forged]],
    ["a leaf that was changed", "UPDATE entry SET leaf = ? WHERE idx = 3", [leafHash(forged)]],
    ["an entry that is missing", "DELETE FROM entry WHERE idx = 3", []],
    ["a first entry that is missing", "DELETE FROM entry WHERE idx = 0", []],
    [
      "entries that changed places",
      "UPDATE entry SET bytes = CASE idx WHEN 2 THEN x'656e7472792033' ELSE x'656e7472792032' END WHERE idx IN (2, 3)",
      [],
    ],
  ])("finds %s", (_, sql, values) => {
    tamper(sql, ...values);
    expect(verify).toThrow(torn);
  });

  it("finds an entry and its leaf changed together by the checkpoint over them", () => {
    createCheckpointer(db, log, "o", key).current();
    append(6, 9);
    tamper("UPDATE entry SET bytes = ?, leaf = ? WHERE idx = 3", forged, leafHash(forged));
    expect(verify).toThrow(contradicts);
  });

  it("finds entries that were cut off behind a checkpoint", () => {
    createCheckpointer(db, log, "o", key).current();
    tamper("DELETE FROM entry WHERE idx >= 4");
    expect(verify).toThrow(contradicts);
  });

  it("does so when the empty log was signed as well", () => {
    const empty = openDatabase(":memory:");
    const fresh = createEvidenceLog(empty);
    const checkpointer = createCheckpointer(empty, fresh, "o", key);
    checkpointer.current();
    fresh.append(forged);
    checkpointer.current();
    expect(verifyLog(empty).size).toBe(1);
    empty.exec("DROP TRIGGER entry_no_delete; DELETE FROM entry");
    expect(() => verifyLog(empty)).toThrow(contradicts);
    empty.close();
  });

  it.each([0, 2, 5, 6])("finds a checkpoint at %i that the tree contradicts", (size) => {
    db.prepare("INSERT INTO checkpoint VALUES (?, ?, ?)").run(size, leafHash(forged), "note");
    expect(verify).toThrow(contradicts);
  });
});
