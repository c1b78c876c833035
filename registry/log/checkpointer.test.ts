import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../protocol/log/checkpoint.js";
import { verifyConsistency } from "../../protocol/merkle/verifyConsistency.js";
import { openDatabase } from "../store/openDatabase.js";
import { createCheckpointer } from "./checkpointer.js";
import { createEvidenceLog } from "./evidenceLog.js";

const key = generateKeyPairSync("ed25519").privateKey;
const origin = "test.example/log";
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-checkpoint-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The database under a name, opened for a while. */
const using = <T>(name: string, work: (opened: ReturnType<typeof parts>) => T): T => {
  const opened = parts(name);
  try {
    return work(opened);
  } finally {
    opened.db.close();
  }
};
function parts(name: string) {
  const db = openDatabase(join(directory, name));
  db.pragma("journal_mode = DELETE");
  const log = createEvidenceLog(db);
  const append = (count: number): void => {
    for (let i = 0; i < count; i += 1) log.append(Buffer.from(`entry ${log.size()}`));
  };
  return { db, log, append, sign: () => createCheckpointer(db, log, origin, key).current() };
}

describe("checkpoints", () => {
  it("are signed for the log as it stands, and kept", () => {
    using("a.db", ({ db, log, append }) => {
      const checkpointer = createCheckpointer(db, log, origin, key);
      append(3);
      const first = checkpointer.current();
      append(4);
      const second = checkpointer.current();
      expect(openCheckpoint(first.note, origin, createPublicKey(key)).size).toBe(3);
      expect(openCheckpoint(second.note, origin, createPublicKey(key))).toEqual({
        origin,
        size: 7,
        root: log.root(),
      });
      verifyConsistency(3, 7, log.consistency(3, 7), first.root, second.root);
      expect(db.prepare("SELECT size, note FROM checkpoint ORDER BY size").all()).toEqual([
        { size: 3, note: first.note },
        { size: 7, note: second.note },
      ]);
    });
  });

  it("are not signed twice for one size, also not after a restart", () => {
    const note = using("a.db", ({ append, sign }) => {
      append(3);
      return sign().note;
    });
    using("a.db", ({ db, sign }) => {
      expect(sign().note).toBe(note);
      expect(db.prepare("SELECT count(*) AS n FROM checkpoint").get()).toEqual({ n: 1 });
    });
  });

  it("are refused by a log that was restored from an older copy", () => {
    using("a.db", ({ append, sign }) => {
      append(3);
      sign();
    });
    copyFileSync(join(directory, "a.db"), join(directory, "old.db"));
    using("a.db", ({ append, sign }) => {
      append(5);
      sign();
    });
    // The log of the old copy under the checkpoints of now.
    using("old.db", ({ db, append, sign }) => {
      db.exec(`ATTACH '${join(directory, "a.db")}' AS newer`);
      db.exec("INSERT OR IGNORE INTO checkpoint SELECT * FROM newer.checkpoint");
      const refused = expect.objectContaining({ code: "LOG_CONTRADICTS_CHECKPOINT", disposition: "user" });
      expect(sign).toThrow(refused);
      // Grown past it again with other entries, it still contradicts.
      append(4);
      db.exec("DROP TRIGGER entry_in_order");
      db.prepare("INSERT INTO entry VALUES (7, x'00', ?)").run(Buffer.alloc(32));
      const again = createEvidenceLog(db);
      expect(again.size()).toBe(8);
      expect(() => createCheckpointer(db, again, origin, key)).toThrow(refused);
    });
  });
});
