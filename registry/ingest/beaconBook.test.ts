import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createBeaconBook } from "./beaconBook.js";

const minute = 60_000;
const t0 = Date.UTC(2026, 10, 21);
const hash = (digit: string): string => `0x${digit.repeat(64)}`;
const first = { number: 10, hash: hash("a"), time_ms: t0 };
const second = { number: 20, hash: hash("b"), time_ms: t0 + 10 * minute };
const refused = (code: string) => expect.objectContaining({ code });

let db: Db;
beforeEach(() => {
  db = openDatabase(":memory:");
});
afterEach(() => void db.close());

describe("beacons", () => {
  it("are not asked for before there are any", () => {
    const book = createBeaconBook(db);
    expect(book.latest()).toBeNull();
    book.check(null, t0 + 1e9);
    expect(() => book.check(first, t0)).toThrow(refused("BEACON_UNKNOWN"));
  });

  it("are asked for fifteen minutes after the first one", () => {
    const book = createBeaconBook(db);
    book.add(second);
    book.add(first);
    book.check(null, t0 + 15 * minute);
    expect(() => book.check(null, t0 + 15 * minute + 1)).toThrow(refused("BEACON_UNKNOWN"));
  });

  it("must be this registry's own, number and hash", () => {
    const book = createBeaconBook(db);
    book.add(first);
    book.check(first, t0);
    expect(() => book.check({ ...first, hash: hash("c") }, t0)).toThrow(refused("BEACON_UNKNOWN"));
    expect(() => book.check({ ...first, number: 11 }, t0)).toThrow(refused("BEACON_UNKNOWN"));
  });

  it("bound a window from below, give or take two minutes", () => {
    const book = createBeaconBook(db);
    book.add(first);
    book.check(first, t0 - 2 * minute);
    expect(() => book.check(first, t0 - 2 * minute - 1)).toThrow(refused("BEFORE_BEACON"));
  });

  it("may be old ones", () => {
    const book = createBeaconBook(db);
    book.add(first);
    book.add(second);
    book.check(first, t0 + 600 * minute);
    expect(book.latest()).toEqual(second);
  });

  it("are known after a restart, and when there are more than are held in memory", () => {
    const insert = db.prepare("INSERT INTO beacon (number, hash, time_ms) VALUES (?, ?, ?)");
    insert.run(first.number, first.hash, first.time_ms);
    insert.run(second.number, second.hash, second.time_ms);
    const book = createBeaconBook(db);
    expect(book.latest()).toEqual(second);
    for (let i = 0; i < 5000; i += 1) {
      book.add({ number: 100 + i, hash: `0x${String(i).padStart(64, "d")}`, time_ms: t0 + 20 * minute + i });
    }
    book.check(first, t0);
    book.check(second, t0 + 10 * minute);
    expect(() => book.check(null, t0 + 16 * minute)).toThrow(refused("BEACON_UNKNOWN"));
    expect(book.latest()?.number).toBe(5099);
  });
});
