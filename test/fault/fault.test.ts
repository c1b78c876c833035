import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Checkpoint, openCheckpoint } from "../../protocol/log/checkpoint.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { verifyConsistency } from "../../protocol/merkle/verifyConsistency.js";
import { verifyInclusion } from "../../protocol/merkle/verifyInclusion.js";
import type { Report } from "../../protocol/report/schema.js";
import type { DeviceView } from "../../registry/api/deviceView.js";
import type { FeedItem } from "../../registry/events/eventFeed.js";
import { runCaliber } from "../e2e/support/runCaliber.js";
import { checkpointKey } from "../support/checkpointKey.js";
import { processesOf } from "../support/processesOf.js";
import { until } from "../support/until.js";
import { readEntries, walkLog } from "../support/walkLog.js";
import { createWorld, hostNames, type Name, type World } from "./support/createWorld.js";
import { seededRandom } from "./support/random.js";
import { type ReceiptWatch, watchReceipts } from "./support/watchReceipts.js";

const rounds = Number(process.env.CALIBER_FAULT_ROUNDS ?? 20);
const seed = Number(process.env.CALIBER_FAULT_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const data_dir = mkdtempSync(join(tmpdir(), "caliber-fault-"));
const gpusInTheEnd = 8;
/** GPUs join over the rounds, so that there is always something to mint while processes die. */
const joining = [
  { host: "sim-a", count: 2 },
  { host: "sim-b", count: 2 },
  { host: "sim-a", count: 4 },
  { host: "sim-b", count: 4 },
] as const;
const victims: readonly Name[][] = [
  ["registry"],
  ["sim-a"],
  ["sim-b"],
  ["registry", "sim-a"],
  ["registry", "sim-b"],
  ["sim-a", "sim-b"],
  ["registry", "sim-a", "sim-b"],
];

let world: World;
let receipts: ReceiptWatch;
/** Notes of signed checkpoints, as a witness would have fetched them, in order. */
const notes: string[] = [];
const killed: Record<Name, number> = { registry: 0, "sim-a": 0, "sim-b": 0 };
let killedInMint = 0;

beforeAll(async () => {
  console.info(`CALIBER_FAULT_SEED=${seed} CALIBER_FAULT_ROUNDS=${rounds}`);
  world = await createWorld(data_dir);
  receipts = watchReceipts(world.host_dirs);
});

afterAll(async () => {
  receipts?.stop();
  if (world !== undefined && world.surprises.length > 0) console.error(world.surprises.join("\n"));
  await world?.end();
  for (const { pid } of processesOf(data_dir)) process.kill(pid, "SIGKILL");
  rmSync(data_dir, { recursive: true, force: true });
});

async function fetchNote(): Promise<void> {
  notes.push(await (await world.get("/v1/checkpoint", 1000)).text());
}

async function startAll(): Promise<void> {
  await world.start("registry");
  for (const host of world.enrolled()) await world.start(host);
}

/** In some rounds GPUs are added first, and the kill comes while their tokens are being minted. */
async function round(number: number): Promise<void> {
  const join = joining.find((_, i) => Math.floor((rounds * i) / joining.length) === number);
  if (join !== undefined) {
    await world.start("registry");
    await world.untilReady();
    await fetchNote();
    await world.stop(join.host);
    await world.grow(join.host, join.count);
  }
  await startAll();
  if (join !== undefined) {
    await until("a mint under way", 20_000, () => world.openMints() > 0, 20);
    await sleep(random.int(0, 1500));
    if (world.openMints() > 0) killedInMint += 1;
  } else {
    await sleep(random.int(100, 6000));
    // What a witness has seen by now must never be contradicted. The registry may be starting still.
    await fetchNote().catch(() => undefined);
  }
  const chosen =
    join === undefined ? random.pick(victims) : random.pick(victims.filter((of) => of.includes("registry")));
  const dead = chosen.filter((name) => world.running().includes(name));
  await Promise.all(dead.map((name) => world.kill(name)));
  for (const name of dead) killed[name] += 1;
  await sleep(random.int(0, 1500));
}

/** Lets agents bring out what they have, then stops them: nothing is on its way any more. */
async function bringOutAll(): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const from_ms = Date.now();
    await startAll();
    // Heard since: what an agent said before it was last stopped does not show that it can be stopped again.
    await until("the agents to be heard", 30_000, async () => {
      const { devices } = await world
        .json<{ devices: DeviceView[] }>("/v1/devices")
        .catch(() => ({ devices: [] }));
      return devices.length > 0 && devices.every(({ derived }) => (derived.last_verified_ms ?? 0) > from_ms);
    });
    expect(await Promise.all(world.enrolled().map((host) => world.stop(host)))).toEqual(
      world.enrolled().map(() => 0),
    );
    if (receipts.waiting() === 0) return;
  }
  throw new Error(`${receipts.waiting()} reports still wait for their receipt`);
}

describe(`${rounds} rounds of kill -9`, () => {
  it(
    "goes on after each",
    async () => {
      for (let number = 0; number < rounds; number += 1) await round(number);
      await startAll();
      await until("a token for every GPU", 60_000, () =>
        world.total("totalMinted").then((minted) => minted >= gpusInTheEnd),
      );
      await bringOutAll();
      console.info(`killed: ${JSON.stringify(killed)}, of these with a mint open: ${killedInMint} rounds`);
      expect(killed.registry).toBeGreaterThan(0);
      expect(killed["sim-a"] + killed["sim-b"]).toBeGreaterThan(0);
      expect(world.surprises).toEqual([]);
    },
    rounds * 40_000 + 120_000,
  );

  it("signs no checkpoint that contradicts another, and proves every entry against the last", async () => {
    await fetchNote();
    const { log_vkey } = await world.json<{ log_vkey: string }>("/v1/keys");
    const { origin, key } = checkpointKey(log_vkey);
    const checkpoints = notes.map((note) => openCheckpoint(note, origin, key));
    let before: Checkpoint = checkpoints[0]!;
    for (const checkpoint of checkpoints) {
      const { proof } = await world.json<{ proof: string[] }>(
        `/v1/log/consistency?from=${before.size}&to=${checkpoint.size}`,
      );
      verifyConsistency(before.size, checkpoint.size, proof.map(fromHex), before.root, checkpoint.root);
      before = checkpoint;
    }
    const { size, root } = before;
    const entries = readEntries(world.database);
    expect(size).toBeGreaterThan(rounds * 10);
    for (let idx = 0; idx < size; idx += 1) {
      const { proof } = await world.json<{ proof: string[] }>(`/v1/log/proofs/${idx}?size=${size}`);
      verifyInclusion(leafHash(entries[idx]!), idx, size, proof.map(fromHex), root);
    }
    console.info(`${checkpoints.length} checkpoints, the last of ${size} entries`);
  });

  it("has every receipted report in its place, none twice, and every chain whole", () => {
    const { reports, findings } = walkLog(readEntries(world.database));
    expect(reports.size).toBe(gpusInTheEnd);
    const logged = new Map([...reports.values()].flat().map((at) => [at.statement, at]));
    for (const { device, seq, statement, idx } of receipts.seen.values()) {
      const at = logged.get(statement);
      expect(at, `report ${seq} of ${device}`).toMatchObject({ idx, report: { device, seq } });
    }
    expect(receipts.seen.size).toBeGreaterThan(gpusInTheEnd * rounds);
    // The agents have nothing left: all that they ever signed is in the log.
    expect(receipts.waiting()).toBe(0);
    expect(findings).toEqual([]);
    console.info(`${receipts.seen.size} receipted reports seen, ${logged.size} reports in the log`);
  });

  it("accounts for every restart of an agent with a signed gap", () => {
    const { reports } = walkLog(readEntries(world.database));
    for (const chain of reports.values()) {
      for (const [i, { report }] of chain.entries()) {
        const before = chain[i - 1]?.report;
        if (before === undefined || before.boot === report.boot) continue;
        expect(report).toMatchObject({
          kind: "gap",
          body: { reason: "restart", from_ms: before.window.end_ms },
        });
      }
    }
  });

  it("has refused nothing, and told of nothing that was not so", async () => {
    const db = new Database(world.database, { readonly: true });
    const rejected = db.prepare("SELECT device, code FROM rejected").all();
    db.close();
    expect(rejected).toEqual([]);
    expect(await findingsToldOf()).toEqual([]);
  });

  it("has minted one token for each GPU", async () => {
    expect([await world.total("totalMinted"), await world.total("totalSupply")]).toEqual([
      gpusInTheEnd,
      gpusInTheEnd,
    ]);
    const { devices } = await world.json<{ devices: DeviceView[] }>("/v1/devices");
    const titles = await Promise.all(
      Array.from(
        { length: gpusInTheEnd },
        async (_, i) => (await world.reader.titleOf(BigInt(i + 1))).device,
      ),
    );
    expect(titles.sort()).toEqual(devices.map(({ device }) => device).sort());
    await until("the registry to know of all", 20_000, async () => {
      const { tokens } = await world.json<{ tokens: { device: string; token_id: string }[] }>("/v1/tokens");
      return tokens.length === gpusInTheEnd;
    });
  });

  it("makes the same tables again from the log alone", async () => {
    expect(await world.stop("registry")).toBe(0);
    await expectRebuilt();
    expect(
      processesOf(data_dir)
        .map(({ command }) => command)
        .filter((text) => !text.includes("anvil")),
    ).toEqual([]);
  });
});

describe("a spool whose tail is cut off", () => {
  const files = ["spool.db", "spool.db-wal", "spool.db-shm"];
  const host = hostNames[0];
  const own = join(data_dir, "hosts", host);
  const copy = join(data_dir, "older");
  let old: Map<string, { seq: number; statement: string }>;
  let before: ReturnType<typeof walkLog>;

  it("says so by itself, with a signed gap and a finding", async () => {
    await startAll();
    await sleep(5000);
    await world.kill(host);
    mkdirSync(copy);
    for (const file of files)
      if (existsSync(join(own, file))) copyFileSync(join(own, file), join(copy, file));
    old = headsOf(join(copy, "spool.db"));
    await world.start(host);
    await until("reports that the copy does not have", 30_000, () => {
      const now = headsOf(join(own, "spool.db"));
      return [...old].every(([device, { seq }]) => (now.get(device)?.seq ?? 0) > seq + 3);
    });
    expect(await world.stop(host)).toBe(0);
    before = walkLog(readEntries(world.database));
    receipts.stop();
    for (const file of files) {
      rmSync(join(own, file), { force: true });
      if (existsSync(join(copy, file))) copyFileSync(join(copy, file), join(own, file));
    }
    await world.start(host);
    const told = await until("the findings", 30_000, async () => {
      const events = await findingsToldOf();
      return events.length >= old.size ? events : null;
    });
    expect(told.map(({ event }) => (event.data as { code: string }).code)).toEqual(
      [...old].map(() => "STATE_LOST"),
    );
    expect(new Set(told.map(({ device }) => device))).toEqual(new Set(old.keys()));
    await sleep(5000);
    for (const name of world.enrolled()) expect(await world.stop(name)).toBe(0);
    expect(await world.stop("registry")).toBe(0);
    expect(world.surprises).toEqual([]);
  });

  it("goes on above what the registry has, and signs no number twice", async () => {
    // The walk throws at a number that is there twice, and at a link that does not hold.
    const { reports, findings } = walkLog(readEntries(world.database));
    expect(findings).toEqual([]);
    expect(old.size).toBe(4);
    for (const [device, { seq }] of old) {
      const chain = reports.get(device)!;
      const known = before.reports.get(device)!;
      expect(known.at(-1)!.report.seq).toBeGreaterThan(seq);
      expect(chain.slice(0, known.length)).toEqual(known);
      const next = chain[known.length]!.report as Extract<Report, { kind: "gap" }>;
      expect(next).toMatchObject({ kind: "gap", body: { reason: "state_lost", local_head_seq: seq } });
      expect(next.body.from_ms).toBe(known.at(-1)!.report.window.end_ms);
      expect(chain.length).toBeGreaterThan(known.length + 2);
    }
    await expectRebuilt();
  });
});

const fromHex = (hash: string): Buffer => Buffer.from(hash, "hex");

function headsOf(spool: string): Map<string, { seq: number; statement: string }> {
  const db = new Database(spool, { timeout: 2000 });
  try {
    const rows = db
      .prepare<[], { device: string; seq: number; statement: string }>("SELECT * FROM head")
      .all();
    return new Map(rows.map(({ device, seq, statement }) => [device, { seq, statement }]));
  } finally {
    db.close();
  }
}

/** All but that the hosts have grown, which they have in front of everybody's eyes. */
async function findingsToldOf(): Promise<FeedItem[]> {
  return (await allEvents()).filter(
    ({ event }) => "code" in event.data && event.data.code !== "HOST_GPUS_CHANGED",
  );
}

async function allEvents(): Promise<FeedItem[]> {
  const all: FeedItem[] = [];
  for (let after = 0; ; after = all.at(-1)!.id) {
    const { events } = await world.json<{ events: FeedItem[] }>(`/v1/events?after=${after}&limit=1000`);
    if (events.length === 0) return all;
    all.push(...events);
  }
}

async function expectRebuilt(): Promise<void> {
  const { code, out } = await runCaliber([
    "registry",
    "rebuild",
    "--check",
    "--data-dir",
    world.registry_dir,
  ]);
  expect({ code, said: out.trim().split("\n").at(-1) }).toEqual({
    code: 0,
    said: "every table is as it was",
  });
}
