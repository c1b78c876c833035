import Database from "better-sqlite3";
import pino from "pino";
import { HttpRequestError, parseGwei, type Transport, toHex } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import { type ChainWriter, createChainWriter } from "./chainWriter.js";
import type { Deployment } from "./deployment.js";
import { type FakeRegistry, fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, runUntilQuiet } from "./testing/writerBench.js";

const hour_ms = 3_600_000;
let anvil: Anvil;
let deployment: Deployment;
let registry: FakeRegistry;
let writer: ChainWriter;
let now_ms: number;
/** Transactions that the deployment took. */
let deployed: number;
/** Lines of the writer's log. */
let told: { code?: string; msg: string }[];
/** The line to the node: it breaks by itself after so many transactions. */
let line: { isDown: boolean; sendsLeft: number };

const breakable: Transport = (options) => {
  const inner = chainTransport(anvil.url)(options);
  const request: typeof inner.request = (args, requestOptions) => {
    if ((args as { method: string }).method === "eth_sendRawTransaction") {
      line.isDown ||= line.sendsLeft === 0;
      line.sendsLeft -= 1;
    }
    if (!line.isDown) return inner.request(args, requestOptions);
    return Promise.reject(new HttpRequestError({ url: anvil.url, details: "connection refused" }));
  };
  return { ...inner, config: { ...inner.config, retryCount: 0 }, request };
};

const open = (db: Database.Database) =>
  createChainWriter({
    db,
    endpoints: [{ name: "node", transport: breakable }],
    deployment,
    account,
    view: registry.view,
    log: pino({ level: "debug" }, { write: (text) => void told.push(JSON.parse(text)) }),
    now_ms: () => now_ms,
    settings: { anchor_interval_ms: hour_ms },
  });

const count = (msg: string) => told.filter((entry) => entry.msg === msg).length;
const codes = () => writer.status().problems.map(({ code }) => code);
const client = () => chainClient(chainTransport(anvil.url));
const nonce = () => client().getTransactionCount({ address: account.address });

async function events(
  address: `0x${string}`,
  abi: typeof caliberTokenAbi,
  eventName: "TitleMinted" | "TitleAmended",
) {
  return client().getContractEvents({ address, abi, eventName, fromBlock: 0n, strict: true });
}

/** All that the writer has on chain since the deployment. */
async function transactions() {
  const head = await client().getBlockNumber();
  const blocks = await Promise.all(
    Array.from({ length: Number(head) + 1 }, (_, i) => client().getBlock({ blockNumber: BigInt(i) })),
  );
  const receipts = await Promise.all(
    blocks
      .flatMap(({ transactions }) => transactions)
      .map((hash) => client().getTransactionReceipt({ hash })),
  );
  return receipts.slice(deployed);
}

/** A block at this base fee. */
async function baseFee(gwei: string): Promise<void> {
  await anvil.rpc("anvil_setNextBlockBaseFeePerGas", [toHex(parseGwei(gwei))]);
  await anvil.rpc("evm_mine");
}

beforeEach(async () => {
  now_ms = Date.now();
  told = [];
  line = { isDown: false, sendsLeft: Number.POSITIVE_INFINITY };
  anvil = await startAnvil(["--base-fee", String(parseGwei("0.1"))]);
  deployment = await deployTo(anvil.url);
  deployed = await nonce();
  registry = fakeRegistry(4);
});
afterEach(() => anvil.kill());

describe("an endpoint that is gone for hours", () => {
  it.each([
    ["the same process waits", false],
    ["the process is restarted meanwhile", true],
  ])(
    "and returns at hundreds of times the fees: nothing doubled, nothing lost, each told (%s)",
    async (_, restarts) => {
      const late = registry.devices.splice(2);
      const db = new Database(":memory:");
      writer = open(db);
      registry.log.size = 3;
      await runUntilQuiet(writer);
      const [one, two] = registry.devices as [(typeof late)[0], (typeof late)[0]];
      expect([one.token_id, two.token_id]).toEqual([1n, 2n]);

      // In the middle of sending: one transaction is mined, one is lost by the node, the others never reach it.
      await anvil.rpc("evm_setAutomine", [false]);
      registry.devices.push(...late);
      registry.log.size = 7;
      now_ms += hour_ms;
      await anvil.rpc("evm_increaseTime", [3_600]);
      await anvil.rpc("evm_mine");
      const evidence = "e1".repeat(32);
      registry.amendments.push({ device: one.candidate.device, token_id: 1n, evidence, assurance: 0 });
      one.health = { ...one.health, sequence: 2, state: "watch", cause: "xid_watch" };
      told = [];
      line.sendsLeft = 4;
      for (let i = 0; i < 4 && !line.isDown; i += 1) await writer.step().catch(() => undefined);
      expect(line.isDown).toBe(true);
      const underWay = writer.status().intents;
      expect(underWay.signed).toBe(5);
      const { pending } = (await anvil.rpc("txpool_content")) as {
        pending: Record<string, Record<string, { hash: string }>>;
      };
      const [first, second] = Object.values(Object.values(pending)[0]!);
      await anvil.rpc("anvil_dropTransaction", [second!.hash]);
      await anvil.rpc("evm_mine");
      expect(await client().getTransactionReceipt({ hash: first!.hash as `0x${string}` })).toMatchObject({
        status: "success",
      });

      // Five hours of rounds, and a world that goes on.
      const gone_ms = now_ms;
      two.health = { ...two.health, sequence: 2, state: "lost", cause: "uncured" };
      registry.log.size = 20;
      for (let minute = 0; minute < 300; minute += 1) {
        now_ms += 60_000;
        await expect(writer.step()).rejects.toThrow();
        if (restarts && minute === 150) writer = open(db);
      }
      expect(writer.status()).toMatchObject({
        rpc: { state: "down", since_ms: gone_ms + (restarts ? 152 * 60_000 : 0) },
        fault: null,
        intents: underWay,
      });
      expect(now_ms - gone_ms).toBe(5 * hour_ms);
      expect(count("the chain's node does not answer")).toBe(restarts ? 2 : 1);
      await anvil.rpc("evm_increaseTime", [5 * 3_600]);

      // Back, and dearer than the cap: what was sent is booked, nothing else moves.
      await baseFee("300");
      line = { isDown: false, sendsLeft: Number.POSITIVE_INFINITY };
      const spent = await nonce();
      for (let i = 0; i < 5; i += 1) {
        now_ms += 60_000;
        await baseFee("300");
        await writer.step();
      }
      expect(count("the chain's node is back")).toBe(1);
      expect(codes()).toContain("CHAIN_FEE_CAP");
      await anvil.rpc("evm_mine");
      expect(await nonce()).toBe(spent);

      // Within the cap, at hundreds of times what the waiting transactions offer.
      await anvil.rpc("evm_setAutomine", [true]);
      for (let i = 0; i < 40; i += 1) {
        now_ms += 1_000;
        await baseFee("45");
        await writer.step();
      }
      await runUntilQuiet(writer);
      // The anchor that was under way is mined only now: the next one is due in an hour.
      now_ms += hour_ms;
      await anvil.rpc("evm_increaseTime", [3_600]);
      await anvil.rpc("evm_mine");
      await runUntilQuiet(writer);
      expect(codes()).toEqual([]);
      expect(writer.status()).toMatchObject({ rpc: { state: "ok" }, fault: null });
      expect(count("replaced a stuck transaction")).toBeGreaterThan(0);
      // The device's word was for an hour.
      expect(count("intent obsolete")).toBeGreaterThan(0);

      const reader = createChainReader(chainTransport(anvil.url), deployment);
      const minted = await events(deployment.token, caliberTokenAbi, "TitleMinted");
      expect(registry.devices.map(({ token_id }) => token_id).sort()).toEqual([1n, 2n, 3n, 4n]);
      expect(minted).toHaveLength(4);
      const amended = await events(deployment.token, caliberTokenAbi, "TitleAmended");
      expect(amended.filter(({ args }) => args.tokenId === 1n)).toHaveLength(1);
      expect(await reader.titleOf(1n)).toMatchObject({ evidence, amendments: 1 });
      for (const { token_id, health } of registry.devices) {
        expect(await reader.healthOf(token_id!)).toMatchObject({ state: health.state, cause: health.cause });
      }
      const anchors = await client().getContractEvents({
        address: deployment.log,
        abi: caliberLogAbi,
        eventName: "Anchored",
        fromBlock: 0n,
        strict: true,
      });
      const sizes = anchors.map(({ args }) => args.size);
      expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => Number(a - b)));
      expect(sizes.at(-1)).toBe(20n);
      const posts = await client().getContractEvents({
        address: deployment.health,
        abi: caliberHealthAbi,
        eventName: "EpochPosted",
        fromBlock: 0n,
        strict: true,
      });
      // Every transaction is accounted for: by an effect, or as refused by the chain for coming too late.
      const sent = await transactions();
      const effects = minted.length + amended.length + anchors.length + posts.length;
      expect(sent.filter(({ status }) => status === "success")).toHaveLength(effects);
      expect(sent.length).toBe((await nonce()) - deployed);
      expect(sent.length - effects).toBeLessThanOrEqual(2);
    },
    60_000,
  );
});
