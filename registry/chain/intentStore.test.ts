import Database from "better-sqlite3";
import { beforeEach, describe, expect, it } from "vitest";
import type { IntentWork, SignedTx } from "./intent.js";
import { createIntentStore, type IntentStore } from "./intentStore.js";

const anchor = (size: number): IntentWork => ({
  kind: "anchor",
  payload: { origin: `0x${"aa".repeat(32)}`, size, root: `0x${"bb".repeat(32)}` },
});
const tx = (nonce: number, tag = "1"): SignedTx => ({
  hash: `0x${tag.repeat(64)}`,
  raw: "0x02",
  nonce,
  gas: 2n ** 70n,
  max_fee_wei: 10n ** 30n,
  max_priority_fee_wei: 1n,
  signed_ms: 1,
});
const block = (number: number, tag = "c") => ({ number, hash: `0x${tag.repeat(64)}` as const });

let db: Database.Database;
let now_ms: number;
let store: IntentStore;

beforeEach(() => {
  db = new Database(":memory:");
  now_ms = 1_000;
  store = createIntentStore(db, "31337:0xabc", () => now_ms);
});

describe("intent store", () => {
  it("walks an intent from wanted to done", () => {
    store.want(anchor(5));
    expect(store.find("anchor:5")).toMatchObject({ state: "wanted", nonce: null, block: null, attempts: 0 });
    store.sign("anchor:5", tx(7));
    expect(store.txs("anchor:5")).toEqual([tx(7)]);
    expect(store.nonces(0)).toEqual([7]);
    store.mine("anchor:5", tx(7).hash, block(9));
    expect(store.blocks()).toEqual([block(9)]);
    store.finish("anchor:5", "done", null);
    expect(store.find("anchor:5")).toMatchObject({
      ...anchor(5),
      state: "done",
      nonce: 7,
      block: block(9),
      attempts: 1,
    });
    expect(store.counts()).toMatchObject({ done: 1, wanted: 0 });
  });

  it("leaves an intent under way alone and lets a final one live again without its old transactions", () => {
    store.want(anchor(5));
    store.sign("anchor:5", tx(7));
    store.want({
      ...anchor(5),
      payload: { ...anchor(5).payload, root: `0x${"00".repeat(32)}` },
    } as IntentWork);
    expect(store.find("anchor:5")).toMatchObject({ ...anchor(5), state: "signed" });
    store.revert("anchor:5", "failed", "why", tx(7).hash, block(9));
    expect(store.lastFailure_ms("anchor")).toBe(1_000);
    store.want(anchor(5));
    expect(store.find("anchor:5")).toMatchObject({
      state: "wanted",
      nonce: null,
      block: null,
      last_error: null,
    });
    expect(store.txs("anchor:5")).toEqual([]);
  });

  it("refuses steps that start from another state", () => {
    store.want(anchor(5));
    const refused = expect.objectContaining({ code: "INTENT_STEP_REFUSED" });
    expect(() => store.unmine(["anchor:5"])).toThrow(refused);
    expect(() => store.unsign("anchor:5", "")).toThrow(refused);
    expect(() => store.finish("anchor:6", "failed", "")).toThrow(refused);
    expect(() => store.finish("anchor:5", "done", null)).toThrow(/CHECK/);
    store.sign("anchor:5", tx(1));
    expect(() => store.finish("anchor:5", "obsolete", "")).toThrow(refused);
  });

  it("unmines all or none, and keeps the transactions", () => {
    for (const size of [5, 6]) {
      store.want(anchor(size));
      store.sign(`anchor:${size}`, tx(size, String(size)));
      store.mine(`anchor:${size}`, tx(size, String(size)).hash, block(size));
    }
    expect(() => store.unmine(["anchor:5", "anchor:7"])).toThrow();
    expect(store.inState("mined")).toHaveLength(2);
    store.unmine(["anchor:6", "anchor:5"]);
    expect(store.inState("signed").map(({ nonce }) => nonce)).toEqual([5, 6]);
    expect(store.blocks()).toEqual([]);
  });

  it("wants again what others' transactions had done and the chain lost", () => {
    store.want(anchor(5));
    store.mine("anchor:5", `0x${"9".repeat(64)}`, block(5));
    store.unmine(["anchor:5"]);
    expect(store.find("anchor:5")).toMatchObject({ state: "wanted", nonce: null });
  });

  it("keeps a sign and its transaction together", () => {
    store.want(anchor(5));
    store.want(anchor(6));
    store.sign("anchor:5", tx(1));
    // The same hash twice cannot be: the whole step falls.
    expect(() => store.sign("anchor:6", tx(1))).toThrow();
    expect(store.find("anchor:6")).toMatchObject({ state: "wanted", nonce: null });
  });

  it("knows nothing of other deployments", () => {
    store.want(anchor(5));
    const other = createIntentStore(db, "31337:0xdef", () => now_ms);
    expect(other.find("anchor:5")).toBeNull();
    other.want(anchor(5));
    other.sign("anchor:5", tx(1));
    expect(store.nonces(0)).toEqual([]);
    expect(store.find("anchor:5")).toMatchObject({ state: "wanted" });
  });

  it("prunes final anchors that are deep and old, never what is under way", () => {
    for (const size of [5, 6, 7]) {
      store.want(anchor(size));
      store.sign(`anchor:${size}`, tx(size, String(size)));
    }
    store.mine("anchor:5", tx(5, "5").hash, block(5));
    store.finish("anchor:5", "done", null);
    store.mine("anchor:6", tx(6, "6").hash, block(600));
    store.finish("anchor:6", "done", null);
    store.prune(100, 1_000);
    expect(store.find("anchor:5")).not.toBeNull();
    store.prune(100, 1_001);
    expect(store.find("anchor:5")).toBeNull();
    expect(store.txs("anchor:5")).toEqual([]);
    expect(store.find("anchor:6")).not.toBeNull();
    expect(store.txs("anchor:7")).toHaveLength(1);
  });

  it("keeps what was written when there were fewer kinds, and takes the new ones", () => {
    store.want(anchor(5));
    store.sign("anchor:5", tx(7));
    const { sql } = db
      .prepare<[], { sql: string }>("SELECT sql FROM sqlite_master WHERE name = 'intent'")
      .get()!;
    db.exec("ALTER TABLE intent RENAME TO kept");
    for (const index of ["state", "block", "nonce"]) db.exec(`DROP INDEX intent_${index}`);
    db.exec(sql.replace("kind TEXT NOT NULL", "kind TEXT NOT NULL CHECK (kind IN ('anchor', 'mint'))"));
    db.exec("INSERT INTO intent SELECT * FROM kept; DROP TABLE kept");
    const again = createIntentStore(db, "31337:0xabc", () => now_ms);
    expect(again.find("anchor:5")).toMatchObject({ ...anchor(5), state: "signed", nonce: 7 });
    const payload = { device: "ab", token_id: "1", evidence: "0x01", assurance: 0 } as const;
    again.want({ kind: "amend", payload });
    expect(again.inState("wanted")).toMatchObject([{ kind: "amend", payload }]);
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'intent_%'").get()).toEqual({
      n: 6,
    });
  });
});
