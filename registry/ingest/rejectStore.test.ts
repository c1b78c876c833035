import { afterEach, beforeEach, expect, it } from "vitest";
import { sha256 } from "../../test/support/testHost.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createRejectStore } from "./rejectStore.js";

const hour = 3_600_000;
const t0 = Date.UTC(2026, 10, 21);
let db: Db;
beforeEach(() => {
  db = openDatabase(":memory:");
});
afterEach(() => void db.close());
const body = (n: number, host = "h-1", at_ms = t0) => ({
  digest: sha256(Buffer.from(`${n}`)),
  host,
  device: "d",
  code: "X",
  at_ms,
});
const count = () => (db.prepare("SELECT count(*) AS n FROM rejected").get() as { n: number }).n;

it("keeps the bytes with who, when and why", () => {
  createRejectStore(db).keep(body(1), Buffer.from("bytes"))!();
  expect(db.prepare("SELECT * FROM rejected").get()).toEqual({
    digest: Buffer.from(body(1).digest, "hex"),
    host: "h-1",
    device: "d",
    code: "X",
    received_at_ms: t0,
    bytes: Buffer.from("bytes"),
  });
});

it("keeps the same bytes once: while the first are on their way, after, and after a restart", () => {
  const store = createRejectStore(db);
  const first = store.keep(body(1), Buffer.from("x"));
  expect(store.keep(body(1), Buffer.from("x"))).toBeNull();
  first!();
  expect(store.keep(body(1), Buffer.from("x"))).toBeNull();
  expect(createRejectStore(db).keep(body(1), Buffer.from("x"))).toBeNull();
});

it("keeps a thousand a host and hour, and each host's share apart", () => {
  const store = createRejectStore(db);
  const keep = (n: number, host?: string, at_ms?: number): boolean => {
    const write = store.keep(body(n, host, at_ms), Buffer.from("x"));
    write?.();
    return write !== null;
  };
  const kept = Array.from({ length: 1005 }, (_, n) => keep(n));
  expect(kept.lastIndexOf(true)).toBe(999);
  expect(count()).toBe(1000);
  expect([keep(5000, "h-2"), keep(5001)]).toEqual([true, false]);
  expect(keep(5002, "h-1", t0 + hour - 1)).toBe(false);
  expect(keep(5003, "h-1", t0 + hour)).toBe(true);
});

it("knows a conflict once, also after a restart", () => {
  const store = createRejectStore(db);
  const statement = sha256(Buffer.from("s"));
  const first = store.keepConflict(statement, "h-1", t0);
  expect(store.keepConflict(statement, "h-1", t0)).toBeNull();
  first!();
  expect(store.keepConflict(statement, "h-1", t0)).toBeNull();
  expect(createRejectStore(db).keepConflict(statement, "h-1", t0)).toBeNull();
});
