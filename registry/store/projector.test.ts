import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { ReportKind, TelemetryBody } from "../../protocol/report/schema.js";
import { busyTelemetry, inventoryOf, testChain } from "../../test/support/testReports.js";
import { healthPolicies } from "../health/policy.js";
import { createCheckpointer } from "../log/checkpointer.js";
import { gapBody } from "../testing/foldBench.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { openDatabase } from "./openDatabase.js";
import { rebuild, tableDigests } from "./rebuild.js";
import { derivedTables } from "./schema.js";

const minute = 60_000;
const contract = `0x${"cc".repeat(20)}`;
const word = (digit: string): string => `0x${digit.repeat(64)}`;
const authorization = {
  chain_id: 31337,
  contract,
  recipient: `0x${"11".repeat(20)}`,
  device_key_hash: word("1"),
  strong_identity: word("0"),
  weak_identity: word("2"),
  evidence: word("3"),
  log_origin: word("4"),
  header_hash: word("5"),
  assurance: 0,
  predecessor: "0",
  nonce: "0",
  deadline: "1",
};

const telemetry = fc.record<Partial<TelemetryBody>>(
  {
    presence: fc.constantFrom("present", "lost", "missing", "probe_timeout"),
    util_permille: fc.option(
      fc.nat(1000).map((mean) => ({ min: 0, mean, max: 1000 })),
      { nil: null },
    ),
    ecc_aggregate: fc.nat(3).map((n) => ({
      sram_correctable: null,
      sram_uncorrectable: n,
      dram_correctable: null,
      dram_uncorrectable: null,
    })),
    recovery_action: fc.constantFrom("none", "reset", null),
    remapped_rows: fc
      .tuple(fc.boolean(), fc.boolean())
      .map(([pending, failure]) => ({ correctable: 0, uncorrectable: 0, pending, failure })),
    present_ms: fc.nat(90_000),
  },
  { requiredKeys: [] },
);
const device = fc.nat(2);
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("telemetry" as const), device, change: telemetry }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(2 * minute) }) },
  ...[
    fc.record({ do: fc.constant("jump" as const), device, count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constant("fill" as const), pick: fc.nat(50) }),
    fc.record({ do: fc.constant("late" as const), device }),
    fc.record({ do: fc.constant("again" as const), device }),
    fc.record({ do: fc.constant("equivocate" as const), device }),
    fc.record({ do: fc.constant("garbage" as const), device, bytes: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({
      do: fc.constant("inventory" as const),
      device,
      uuid: fc.constantFrom("GPU-a", "GPU-b", "GPU-c"),
    }),
    fc.record({
      do: fc.constant("gap" as const),
      device,
      reason: fc.constantFrom("restart" as const, "state_lost" as const),
    }),
    fc.record({
      do: fc.constant("pause" as const),
      device,
      from: fc.nat(20 * minute),
      length: fc.nat(60 * minute),
    }),
    fc.record({ do: fc.constant("consent" as const), device }),
    fc.record({ do: fc.constant("outage" as const), ms: fc.nat(40 * minute) }),
    fc.record({ do: fc.constant("minted" as const), device }),
    fc.record({ do: fc.constant("unminted" as const), device }),
    fc.record({ do: fc.constant("beacon" as const), number: fc.nat(3) }),
    fc.record({
      do: fc.constant("policy" as const),
      name: fc.constantFrom("standard" as const, "demo" as const),
    }),
    fc.record({ do: fc.constant("revoke" as const), host: fc.constantFrom("h-1", "h-2") }),
    fc.record({ do: fc.constant("rotate" as const), device }),
    fc.record({ do: fc.constant("retire" as const), device }),
    fc.record({ do: fc.constant("rotated" as const), device }),
    fc.record({ do: fc.constant("settle" as const) }),
    fc.record({ do: fc.constant("checkpoint" as const) }),
  ].map((arbitrary) => ({ weight: 1, arbitrary })),
  { weight: 4, arbitrary: fc.constant({ do: "kill" as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const enrolled = [testDevice(), testDevice(), testDevice()];
const hostOf = (i: number): string => (i < 2 ? "h-1" : "h-2");
const logKey = generateKeyPairSync("ed25519").privateKey;

/** Plays a history on a registry that is killed now and then, and gives the database that it leaves. */
async function play(steps: readonly Step[]): Promise<Core> {
  let core = openCore({ flush_ms: 5 * minute, group_ms: 0 });
  const keys = [...enrolled];
  core.enrol("h-1", keys.slice(0, 2));
  core.enrol("h-2", keys.slice(2));
  const chains = keys.map((key, i) => testChain(key, hostOf(i)));
  const ends = keys.map(() => core.now_ms());
  const held: { i: number; bytes: Buffer }[] = [];
  const sent: Buffer[] = [];
  const sign = (i: number, kind: ReportKind, body: object): Buffer => {
    const window = { start_ms: ends[i]!, end_ms: core.now_ms() };
    ends[i] = core.now_ms();
    return chains[i]!.next(kind, body, window).bytes;
  };
  const send = async (i: number, bytes: Buffer): Promise<void> => {
    sent[i] = bytes;
    await core.ingest.take({ host: hostOf(i), device: keys[i]!.id, payload: bytes });
  };
  const entry = (...[kind, body]: Parameters<Core["ledger"]["add"]>): void => {
    core.ledger.add(kind, body);
    core.ledger.commit();
  };

  for (const one of steps) {
    const i = "device" in one ? one.device : 0;
    const at_ms = core.now_ms();
    switch (one.do) {
      case "telemetry":
        await send(i, sign(i, "telemetry", { ...busyTelemetry, ...one.change }));
        break;
      case "wait":
      case "outage":
        core.advance(one.ms);
        core.ledger.commit();
        break;
      case "jump":
        for (let n = 0; n < one.count; n += 1) {
          held.push({ i, bytes: sign(i, "telemetry", busyTelemetry) });
          core.advance(1000);
        }
        await send(i, sign(i, "telemetry", busyTelemetry));
        break;
      case "fill": {
        const [fill] = held.splice(one.pick % Math.max(1, held.length), 1);
        if (fill !== undefined) await send(fill.i, fill.bytes);
        break;
      }
      case "late": {
        const bytes = sign(i, "telemetry", busyTelemetry);
        for (let n = 0; n < 16 * 6; n += 1) {
          core.advance(10_000);
          core.ledger.commit();
        }
        await send(i, bytes);
        break;
      }
      case "rotate": {
        const next = testDevice();
        ends[i] = at_ms;
        await send(i, chains[i]!.rotate(next, at_ms).bytes);
        keys[i] = next;
        break;
      }
      case "rotated": {
        const [first, now] = [enrolled[i]!.id, keys[i]!.id];
        const at = { tx: "0x02", block: 2, token_id: String(i), evidence: "ab".repeat(32) };
        entry("chain", { type: "rotated", device: now, former: first, ...at });
        break;
      }
      case "retire":
        await send(i, sign(i, "retire", { reason: "sold" }));
        break;
      case "again":
        if (sent[i] !== undefined) await send(i, sent[i]);
        break;
      case "equivocate": {
        const fork = testChain(keys[i]!, hostOf(i));
        await send(i, fork.next("gap", gapBody(1, 2), { start_ms: at_ms, end_ms: at_ms }).bytes);
        break;
      }
      case "garbage":
        await core.ingest.take({ host: hostOf(i), device: keys[i]!.id, payload: Buffer.from(one.bytes) });
        break;
      case "inventory":
        await send(i, sign(i, "inventory", inventoryOf(one.uuid)));
        break;
      case "gap":
        await send(i, sign(i, "gap", gapBody(ends[i]!, at_ms, one.reason)));
        break;
      case "pause": {
        const from_ms = at_ms + one.from;
        await send(i, sign(i, "pause", { from_ms, until_ms: from_ms + one.length, reason: "work" }));
        break;
      }
      case "consent":
        await send(i, sign(i, "consent", { purpose: "mint", authorization, signature: "ab".repeat(64) }));
        break;
      case "minted":
        entry("chain", {
          type: "minted",
          device: keys[i]!.id,
          chain_id: 1,
          contract,
          token_id: `${i}`,
          tx: "0x1",
          block: 1,
        });
        break;
      case "unminted":
        entry("chain", {
          type: "unminted",
          device: keys[i]!.id,
          chain_id: 1,
          contract,
          token_id: `${i}`,
          block: 1,
        });
        break;
      case "beacon":
        entry("chain", { type: "beacon", number: one.number, hash: word("a"), time_ms: at_ms });
        break;
      case "policy":
        entry("policy", { name: one.name, values: healthPolicies[one.name] });
        break;
      case "revoke":
        entry("key", { type: "revoke-host", at_ms, host: one.host, reason: "test" });
        break;
      case "settle":
        core.settle();
        break;
      case "checkpoint":
        createCheckpointer(core.db, core.log, "test.example/log", logKey).current();
        break;
      case "kill":
        core.ledger.add("reject", { digest: "00".repeat(32), host: "h", device: "d", code: "X", at_ms });
        core.kill();
        core = openCore({ db: core.db, start_ms: at_ms, flush_ms: 5 * minute, group_ms: 0 });
    }
  }
  core.settle();
  core.kill();
  return core;
}

describe("derived tables", () => {
  it("are the same when they are made again from the log, whatever happened", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const { db } = await play(steps);
        try {
          const live = tableDigests(db);
          for (const table of derivedTables) {
            if (db.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined) seen.add(table);
          }
          const { digests, entries } = rebuild(db);
          expect(digests).toEqual(live);
          expect(entries).toBeGreaterThan(steps.length / 4);
        } finally {
          db.close();
        }
      }),
      { numRuns: 60 },
    );
    // Every table had rows in some run: none was compared only empty (tiles have a test of their own).
    expect([...derivedTables].filter((table) => !seen.has(table) && table !== "tile")).toEqual([]);
  });
});

describe("after a crash", () => {
  const cores: Core[] = [];
  afterEach(() => {
    for (const core of cores.splice(0)) core.crash();
  });

  it("what was committed and not stored is folded in at the next start", async () => {
    const core = openCore({ flush_ms: 3_600_000, group_ms: 0 });
    core.advance(minute);
    core.enrol("h-1", enrolled.slice(0, 2));
    const chain = testChain(enrolled[0]!, "h-1");
    const take = async (kind: ReportKind, body: object): Promise<void> => {
      const start_ms = core.now_ms();
      const { bytes } = chain.next(kind, body, { start_ms, end_ms: core.advance(10_000) });
      await core.ingest.take({ host: "h-1", device: enrolled[0]!.id, payload: bytes });
    };
    await take("telemetry", busyTelemetry);
    const count = () => core.db.prepare("SELECT count(*) AS n FROM report").get();
    expect(count()).toEqual({ n: 1 });
    for (let i = 0; i < 5; i += 1) await take("telemetry", busyTelemetry);
    expect(count()).toEqual({ n: 1 });
    core.kill();
    const again = openCore({ db: core.db });
    cores.push(again);
    expect(count()).toEqual({ n: 6 });
    expect(again.fold(enrolled[0]!).head?.seq).toBe(5);
    const live = tableDigests(again.db);
    expect(rebuild(again.db).digests).toEqual(live);
  });

  it("it is still known who holds which identity, and when the registry was away", async () => {
    const core = openCore({ policy: "standard", group_ms: 0 });
    core.enrol("h-1", enrolled.slice(0, 2));
    const chains = enrolled.map((key) => testChain(key, "h-1"));
    const take = async (
      of: Core,
      i: number,
      kind: ReportKind,
      body: object,
      from_ms: number,
      end_ms: number,
    ) => {
      const { bytes } = chains[i]!.next(kind, body, { start_ms: from_ms, end_ms });
      await of.ingest.take({ host: "h-1", device: enrolled[i]!.id, payload: bytes });
    };
    const t0 = core.now_ms();
    await take(core, 0, "inventory", inventoryOf("GPU-a"), t0, t0);
    core.advance(60 * minute);
    core.ledger.commit();
    core.kill();
    const again = openCore({ db: core.db, start_ms: core.now_ms(), group_ms: 0 });
    cores.push(again);
    await take(again, 1, "inventory", inventoryOf("GPU-a"), t0, t0);
    expect(again.fold(enrolled[1]!).dispute).toBe("identity_taken");
    expect(again.fold(enrolled[0]!).dispute).toBeNull();
    // An hour late, of which the registry was away the whole.
    const body = { ...busyTelemetry, present_ms: minute };
    await take(again, 0, "telemetry", body, t0, t0 + minute);
    again.settle();
    expect(again.db.prepare("SELECT standing FROM report WHERE device = 1 AND seq = 1").get()).toEqual({
      standing: "proven",
    });
    const live = tableDigests(again.db);
    expect(rebuild(again.db).digests).toEqual(live);
  });

  it("a rebuild that is broken off leaves all as it was", () => {
    const core = openCore();
    cores.push(core);
    core.enrol("h-1", enrolled.slice(0, 1));
    core.settle();
    const before = tableDigests(core.db);
    // An entry that the fold cannot read, well hashed: the rebuild fails in its middle.
    core.log.append(Buffer.from([9, 9]));
    expect(() => rebuild(core.db)).toThrow(expect.objectContaining({ code: "ENTRY_MALFORMED" }));
    expect(tableDigests(core.db)).toEqual(before);
  });

  it("a log without its last tick is refused", () => {
    const core = openCore();
    core.log.append(Buffer.from([7, 1, 0x7b, 0x7d]));
    core.kill();
    expect(() => openCore({ db: core.db })).toThrow(expect.objectContaining({ code: "LOG_TORN" }));
    core.db.close();
  });
});

it("digests tell every difference of a row", () => {
  const db = openDatabase(":memory:");
  const digest = () => tableDigests(db).beacon;
  const seen = [digest()];
  db.exec("INSERT INTO beacon (number, hash, time_ms) VALUES (1, 'a', 2)");
  seen.push(digest());
  db.exec("UPDATE beacon SET hash = 'b'");
  seen.push(digest());
  db.exec("UPDATE beacon SET time_ms = 3");
  seen.push(digest());
  expect(new Set(seen).size).toBe(4);
  db.close();
});
