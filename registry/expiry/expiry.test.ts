import pino from "pino";
import { expect, it, vi } from "vitest";
import { createCa } from "../enrol/createCa.js";
import { insertToken } from "../enrol/insertToken.js";
import { openDatabase } from "../store/openDatabase.js";
import type { Expiring } from "./expiring.js";
import { listExpiring } from "./listExpiring.js";
import { recordIssued } from "./recordIssued.js";
import { startExpiryWatch } from "./startExpiryWatch.js";
import { warningLevel } from "./warningLevel.js";

const day_ms = 86_400_000;
const now_ms = Date.UTC(2026, 10, 21);
const keeper = (over: Partial<Expiring> = {}): Expiring => ({
  what: "keeper-certificate",
  name: "desk",
  made_ms: now_ms - 90 * day_ms,
  expires_ms: now_ms + 30 * day_ms,
  ...over,
});

it.each<[number, 7 | 3 | 1 | 0 | null]>([
  [30, null],
  [7.01, null],
  [7, 7],
  [3.01, 7],
  [3, 3],
  [1.01, 3],
  [1, 1],
  [0.01, 1],
  [0, 0],
  [-6.9, 0],
  [-7, null],
])("of what has %d days left warns at %s", (days, level) => {
  expect(warningLevel(keeper({ expires_ms: now_ms + days * day_ms }), now_ms)).toBe(level);
});

it("does not warn of what was made to be short, nor of a token that has run out, but for ever of a CA", () => {
  const short = { made_ms: now_ms, expires_ms: now_ms + day_ms };
  expect(warningLevel(keeper(short), now_ms)).toBeNull();
  expect(warningLevel(keeper({ made_ms: now_ms - 2 * day_ms, expires_ms: now_ms + day_ms }), now_ms)).toBe(1);
  const past = { expires_ms: now_ms - 30 * day_ms };
  expect(warningLevel(keeper({ ...past, what: "enrolment-token" }), now_ms)).toBeNull();
  expect(warningLevel(keeper({ ...past, what: "ca" }), now_ms)).toBe(0);
});

it("lists what is unspent and the last of each, soonest first", () => {
  const db = openDatabase(":memory:");
  const token = { recipient: "", ek_sha256: [], made_ms: now_ms };
  insertToken(db, "aa".repeat(32), { ...token, operator: "spent", expires_ms: now_ms + day_ms });
  insertToken(db, "bb".repeat(32), { ...token, operator: "open", expires_ms: now_ms + 2 * day_ms });
  db.prepare("UPDATE enrol_token SET used_ms = 1 WHERE operator = 'spent'").run();
  recordIssued(db, keeper({ expires_ms: now_ms + day_ms }));
  recordIssued(db, keeper());
  const change = {
    purpose: "log",
    from_spki: "b2xk",
    at_ms: now_ms - 30 * day_ms,
    until_ms: now_ms + 5 * day_ms,
  };
  db.prepare("INSERT INTO registry_key VALUES (3, ?)").run(JSON.stringify(change));
  const ca = createCa({ commonName: "test CA", now_ms });
  const all = listExpiring(db, [{ what: "ca", pem: ca.certificate }]);
  expect(all.map((item) => warningLevel(item, now_ms))).toEqual([null, 7, null, null]);
  expect(all.map(({ what, name }) => [what, name])).toEqual([
    ["enrolment-token", "open bbbbbbbb"],
    ["registry-key-overlap", "log cba06b5736faf67e"],
    ["keeper-certificate", "desk"],
    ["ca", "CN=test CA"],
  ]);
  db.close();
});

it("tells each step once", () => {
  const lines: Record<string, unknown>[] = [];
  let at_ms = now_ms;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const stop = startExpiryWatch({
    list: () => [keeper()],
    now_ms: () => at_ms,
    log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
  });
  for (const days of [22, 23, 24, 27, 28, 29, 29.5, 30, 31]) {
    at_ms = now_ms + days * day_ms;
    vi.advanceTimersByTime(3_600_000);
  }
  stop();
  vi.useRealTimers();
  expect(lines.map(({ what, name, days, level }) => [what, name, days ?? level])).toEqual([
    ["keeper-certificate", "desk", 7],
    ["keeper-certificate", "desk", 3],
    ["keeper-certificate", "desk", 1],
    ["keeper-certificate", "desk", 50],
  ]);
});
