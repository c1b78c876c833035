import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDown } from "../../protocol/down/openDown.js";
import { createMeta } from "../store/meta.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createDownlink } from "./downlink.js";

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const registryKey = createPublicKey(key);
const body = { type: "beacon", number: 1, hash: "0x", time_ms: 1 } as const;
let db: Db;
let sent: { host: string; payload: Buffer }[];
beforeEach(() => {
  db = openDatabase(":memory:");
  sent = [];
});
afterEach(() => void db.close());
const open = (now_ms: number) =>
  createDownlink({
    meta: createMeta(db),
    key,
    keyid: "k",
    now_ms: () => now_ms,
    transmit: (host, payload) => void sent.push({ host, payload }),
  });

it("signs for one host, with an expiry", () => {
  open(1000).send("h-1", body);
  const [{ host, payload }] = sent as [(typeof sent)[0]];
  const message = openDown(payload, registryKey, { host, lastSeq: 0, now_ms: 1000 });
  expect(message).toMatchObject({ v: 1, aud: "h-1", issued_ms: 1000, expires_ms: 301_000, body });
  const fault = (context: object) => () =>
    openDown(payload, registryKey, { host, lastSeq: 0, now_ms: 1000, ...context });
  expect(fault({ host: "h-2" })).toThrow(expect.objectContaining({ code: "DOWN_NOT_FOR_US" }));
  expect(fault({ now_ms: 301_000 })).toThrow(expect.objectContaining({ code: "DOWN_EXPIRED" }));
  expect(fault({ lastSeq: message.seq })).toThrow(expect.objectContaining({ code: "DOWN_REPLAYED" }));
});

it("counts up over restarts, also when the clock has gone back", () => {
  let lastSeq = 0;
  for (const now_ms of [5_000_000, 4_000_000, 1_000]) {
    const downlink = open(now_ms);
    for (let i = 0; i < 3; i += 1) {
      downlink.send("h-1", body);
      const { payload } = sent.at(-1)!;
      const { seq } = openDown(payload, registryKey, { host: "h-1", lastSeq, now_ms });
      expect(seq).toBeGreaterThan(lastSeq);
      lastSeq = seq;
    }
  }
});
