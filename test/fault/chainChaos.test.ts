import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "../../registry/chain/chainClient.js";
import { chainTransport } from "../../registry/chain/chainTransport.js";
import type { ChainWriter } from "../../registry/chain/chainWriter.js";
import type { Deployment } from "../../registry/chain/deployment.js";
import { type FakeRegistry, fakeRegistry } from "../../registry/chain/testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "../../registry/chain/testing/startAnvil.js";
import { account, deployTo, openBench } from "../../registry/chain/testing/writerBench.js";
import { seededRandom } from "./support/random.js";

const mints = 900;
const amendments = 90;
const anchors = 10;
const effects = mints + amendments + anchors;
/** The deepest reorganisation that the writer promises to outlive. */
const deepest = 64;

const seed = Number(process.env.CALIBER_FAULT_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const dir = mkdtempSync(join(tmpdir(), "caliber-chaos-"));
const db = new Database(join(dir, "registry.db"));
const newEvidence = (device: string) => hash("sha256", `new inventory of ${device}`, "hex");

let anvil: Anvil;
let deployment: Deployment;
let registry: FakeRegistry;
let writer: ChainWriter;
/** Height at which the node started: it cannot reorganize what it only loaded. */
let loaded = 0;

const stateArgs = ["--state", join(dir, "state.json")];
const chainArgs = ["--block-time", "1", "--hardfork", "osaka"];
const head = async () => Number(await anvil.rpc("eth_blockNumber"));
const recorded = (type: string) => registry.recorded.filter((body) => body.type === type);

/** Devices to title, the first of which show new evidence, and a log that grows whenever it was anchored. */
function world(): FakeRegistry {
  const made = fakeRegistry(mints);
  const amended = new Set<string>();
  made.log.size = 1;
  made.view.amendments = () =>
    made.devices
      .slice(0, amendments)
      .filter(({ candidate, token_id }) => token_id !== null && !amended.has(candidate.device))
      .map(({ candidate, token_id }) => ({
        device: candidate.device,
        token_id: token_id!,
        evidence: newEvidence(candidate.device),
        assurance: 0,
      }));
  const { record } = made.view;
  made.view.record = (body) => {
    if (body.type === "amended") amended.add(body.device);
    if (body.type === "unminted") amended.delete(body.device);
    if (body.type === "anchored" && body.size === made.log.size && body.size < anchors) made.log.size += 1;
    record(body);
  };
  return made;
}

function startWriter(): void {
  ({ writer } = openBench({
    deployment,
    db,
    view: registry.view,
    transport: chainTransport(anvil.url),
    settings: {
      poll_interval_ms: 100,
      confirmations: 1,
      max_in_flight: 128,
      rpc_retry_max_ms: 400,
      stuck_ms: 5_000,
    },
  }));
  writer.start();
}

async function startNode(args: string[], port?: number): Promise<void> {
  anvil = await startAnvil([...chainArgs, ...args], port);
  loaded = await head();
}

const events = {
  async reorganized() {
    const depth = Math.min((await head()) - loaded, random.int(1, deepest + 1));
    if (depth > 0) await anvil.rpc("anvil_reorg", [depth, []]);
  },
  /** What was mined since the last dump is gone. */
  async killed() {
    await anvil.kill();
    await sleep(random.int(200, 1_000));
    await startNode(stateArgs, anvil.port);
  },
  async restarted() {
    await anvil.stop();
    await sleep(random.int(200, 1_000));
    await startNode(stateArgs, anvil.port);
  },
  async emptied() {
    await anvil.stop();
    await startNode([], anvil.port);
    await until(() => writer.status().fault?.code === "CHAIN_CONTRACTS_MISSING", "an empty node is told");
    expect(Number(await anvil.rpc("eth_getTransactionCount", [account.address, "pending"]))).toBe(0);
    await anvil.kill();
    await startNode(stateArgs, anvil.port);
  },
  async writerRestarted() {
    await writer.stop();
    startWriter();
  },
};
const happened: Record<string, number> = {};

async function until(is: () => boolean, what: string, within_ms = 30_000): Promise<void> {
  for (const end = Date.now() + within_ms; !is(); await sleep(50)) {
    if (Date.now() > end) {
      throw new Error(`not in time: ${what}: ${JSON.stringify({ ...statusOf(writer), failed: failures() })}`);
    }
  }
}

/** What failed, by kind and reason: how often, and how long ago the first and the last of them. */
function failures(): unknown[] {
  const reason = "substr(coalesce(last_error, ''), 1, 80)";
  return db
    .prepare(
      `SELECT kind, ${reason} AS reason, count(*) AS times, ?1 - min(updated_ms) AS first_ms, ?1 - max(updated_ms) AS last_ms
       FROM intent WHERE state = 'failed' GROUP BY kind, reason`,
    )
    .all(Date.now());
}

function statusOf({ status }: ChainWriter) {
  const { balance_wei: _, ...rest } = status();
  return rest;
}

const allRecorded = () => {
  const { wanted, signed, mined } = writer.status().intents;
  return (
    wanted + signed + mined === 0 &&
    registry.devices.every(({ token_id }) => token_id !== null) &&
    registry.view.amendments().length === 0 &&
    recorded("anchored").some((body) => body.type === "anchored" && body.size === anchors)
  );
};

beforeAll(async () => {
  console.info(`CALIBER_FAULT_SEED=${seed}`);
  anvil = await startAnvil(["--hardfork", "osaka", ...stateArgs]);
  deployment = await deployTo(anvil.url);
  await anvil.stop();
  await startNode(stateArgs);
  registry = world();
  startWriter();
});

afterAll(async () => {
  await writer?.stop();
  await anvil?.kill();
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

describe(`a chain that is killed, reorganized and restarted while ${effects} intents run`, () => {
  it("has each effect exactly once", async () => {
    const begin_ms = Date.now();
    const names = Object.keys(events) as (keyof typeof events)[];
    // Each kind in every round, in an order of its own.
    for (let round = 0; round < 3; round += 1) {
      for (const name of shuffled(names)) {
        await sleep(random.int(500, 2_500));
        await events[name]();
        happened[name] = (happened[name] ?? 0) + 1;
      }
    }
    await until(allRecorded, "all is recorded", 150_000);
    // And once more when all is thought to be done.
    await events.reorganized();
    await sleep(500);
    await until(() => writer.status().rpc.state === "ok" && allRecorded(), "all is recorded again", 60_000);
    await writer.stop();
    await expectEachOnce();
    const seconds = Math.round((Date.now() - begin_ms) / 1000);
    console.info(JSON.stringify({ effects, seconds, happened, ...(await transactions()) }));
  }, 230_000);
});

async function expectEachOnce(): Promise<void> {
  const client = chainClient(chainTransport(anvil.url));
  const fromBlock = BigInt(deployment.block.number);
  const minted = await client.getContractEvents({
    address: deployment.token,
    abi: caliberTokenAbi,
    eventName: "TitleMinted",
    fromBlock,
    strict: true,
  });
  const amended = await client.getContractEvents({
    address: deployment.token,
    abi: caliberTokenAbi,
    eventName: "TitleAmended",
    fromBlock,
    strict: true,
  });
  const anchored = await client.getContractEvents({
    address: deployment.log,
    abi: caliberLogAbi,
    eventName: "Anchored",
    fromBlock,
    strict: true,
  });
  expect(minted.length + amended.length + anchored.length).toBe(effects);
  const tokenOf = new Map(minted.map(({ args }) => [args.deviceKeyHash.slice(2), args.tokenId]));
  expect(minted).toHaveLength(mints);
  // The registry's word for every device is the chain's.
  expect(tokenOf).toEqual(new Map(registry.devices.map((d) => [d.candidate.device, d.token_id])));
  expect(amended.map(({ args }) => args.tokenId).sort()).toEqual(
    registry.devices
      .slice(0, amendments)
      .map(({ token_id }) => token_id)
      .sort(),
  );
  expect(anchored.map(({ args }) => Number(args.size))).toEqual(
    Array.from({ length: anchors }, (_, i) => i + 1),
  );
}

/** Of the writer's account, on the chain as it is in the end. */
async function transactions(): Promise<{ sent: number; reverted: number }> {
  const client = chainClient(chainTransport(anvil.url));
  let sent = 0;
  let reverted = 0;
  for (let number = deployment.block.number + 1; number <= (await head()); number += 1) {
    const receipts = (await anvil.rpc("eth_getBlockReceipts", [`0x${number.toString(16)}`])) as {
      status: string;
    }[];
    sent += receipts.length;
    reverted += receipts.filter(({ status }) => status !== "0x1").length;
  }
  expect(sent).toBeLessThanOrEqual(await client.getTransactionCount({ address: account.address }));
  return { sent, reverted };
}

function shuffled<T>(items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.int(0, left.length), 1)[0]!);
}
