import { createPublicKey, generateKeyPairSync } from "node:crypto";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openEnvelope } from "../../protocol/dsse/openEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createEventFeed, type EventFeed } from "./eventFeed.js";
import { type EventPublisher, startEventPublisher } from "./eventPublisher.js";

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const log = pino({ level: "silent" });
let db: Db;
let feed: EventFeed;
let next: number;
beforeEach(() => {
  db = openDatabase(":memory:");
  db.exec("INSERT INTO device VALUES (1, 'd1', 'h', x'00'), (2, 'd2', 'h', x'00')");
  feed = createEventFeed(db, key, "k");
  next = 1;
});
const publishers: EventPublisher[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const publisher of publishers.splice(0)) await publisher.stop();
  db.close();
});
/** Stores events as a flush does, and says so. */
const store = (count: number): void => {
  const insert = db.prepare("INSERT INTO event VALUES (?, ?, ?, 't', ?)");
  for (let i = 0; i < count; i += 1, next += 1) {
    insert.run(next, (next % 2) + 1, next, JSON.stringify({ n: next, text: "é" }));
  }
  feed.notify();
};
const publish = (to: (n: number, topic: string) => Promise<void>): EventPublisher => {
  const publisher = startEventPublisher({
    db,
    feed,
    log,
    publish: (topic, payload) =>
      to((openEnvelope(payload, payloadTypes.event, createPublicKey(key)) as { n: number }).n, topic),
  });
  publishers.push(publisher);
  return publisher;
};
const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => from + i);

describe("the feed", () => {
  it("gives events in order from a place on, signed over the very bytes that are stored", () => {
    store(5);
    const items = feed.after(2, 2);
    expect(items.map(({ id, device }) => [id, device])).toEqual([
      [3, "d2"],
      [4, "d1"],
    ]);
    for (const { envelope, event } of items) {
      expect(openEnvelope(Buffer.from(envelope), payloadTypes.event, createPublicKey(key))).toEqual(event);
    }
    expect(feed.after(5, 10)).toEqual([]);
    expect(feed.lastId()).toBe(5);
  });

  it("is empty at first", () => {
    expect([feed.lastId(), feed.after(0, 10)]).toEqual([0, []]);
  });

  it("tells its listeners until they have had enough", () => {
    const listener = vi.fn();
    const off = feed.onEvents(listener);
    store(1);
    off();
    store(1);
    expect(listener).toHaveBeenCalledOnce();
  });
});

describe("the publisher", () => {
  it("carries what is there and what comes, each once, in order, to its device's topic", async () => {
    const seen: [number, string][] = [];
    store(250);
    publish(async (n, topic) => void seen.push([n, topic]));
    await vi.waitFor(() => expect(seen).toHaveLength(250));
    store(3);
    await vi.waitFor(() => expect(seen).toHaveLength(253));
    expect(seen.map(([n]) => n)).toEqual(upTo(253));
    expect(seen.slice(0, 2).map(([, topic]) => topic)).toEqual([
      "caliber/v1/events/d2",
      "caliber/v1/events/d1",
    ]);
  });

  it("misses nothing that is stored while it is sending", async () => {
    const seen: number[] = [];
    publish(async (n) => {
      seen.push(n);
      if (n < 20) store(1);
    });
    store(1);
    await vi.waitFor(() => expect(seen).toEqual(upTo(20)));
  });

  it("waits for a broker that refuses, and goes on where it was", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const seen: number[] = [];
    let refusing = true;
    let tries = 0;
    publish(async (n) => {
      tries += 1;
      if (refusing && n === 3) throw new Error("no");
      seen.push(n);
    });
    store(5);
    for (let i = 0; i < 4; i += 1) await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual([1, 2]);
    // Two that went, and one try at a time for the third.
    expect(tries).toBeLessThanOrEqual(2 + 5);
    refusing = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it("goes on after a stop where it was", async () => {
    const seen: number[] = [];
    const first = publish(async (n) => void seen.push(n));
    store(4);
    await vi.waitFor(() => expect(seen).toEqual(upTo(4)));
    await first.stop();
    store(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(upTo(4));
    publish(async (n) => void seen.push(n));
    await vi.waitFor(() => expect(seen).toEqual(upTo(6)));
  });

  it("sends again after a crash what may not have gone, and skips nothing", async () => {
    const seen: number[] = [];
    store(10);
    // The broker never answers for the seventh; the process dies there.
    publish((n) => {
      seen.push(n);
      return n < 7 ? Promise.resolve() : new Promise(() => undefined);
    });
    await vi.waitFor(() => expect(seen).toEqual(upTo(7)));
    publishers.length = 0;
    const again: number[] = [];
    publish(async (n) => void again.push(n));
    await vi.waitFor(() => expect(again.at(-1)).toBe(10));
    expect(again).toEqual(upTo(10, again[0]));
    expect(again[0]).toBeLessThanOrEqual(7);
  });

  it("leaves nothing behind when it is stopped while it waits", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const publisher = publish(() => Promise.reject(new Error("no")));
    store(1);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
    await publisher.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
