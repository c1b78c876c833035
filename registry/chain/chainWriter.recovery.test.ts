import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import type { ChainWriter } from "./chainWriter.js";
import type { Deployment } from "./deployment.js";
import { type FakeRegistry, fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

let dir: string;
let anvil: Anvil;
let deployment: Deployment;
let now_ms: number;

const stateArgs = () => ["--state", join(dir, "state.json")];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "caliber-chain-"));
  now_ms = Date.now();
  anvil = await startAnvil(stateArgs());
  deployment = await deployTo(anvil.url);
});
afterEach(async () => {
  await anvil.kill();
  rmSync(dir, { recursive: true, force: true });
});

const open = (registry: FakeRegistry, db = new Database(":memory:")) =>
  openBench({
    deployment,
    db,
    view: registry.view,
    transport: chainTransport(anvil.url),
    now_ms: () => now_ms,
    settings: { rpc_retry_max_ms: 200 },
  });

const types = (registry: FakeRegistry) => registry.recorded.map(({ type }) => type);

async function expectTitled(registry: FakeRegistry): Promise<void> {
  const transport = chainTransport(anvil.url);
  const reader = createChainReader(transport, deployment);
  for (const { candidate, token_id, health } of registry.devices) {
    expect((await reader.titleOf(token_id!)).device).toBe(candidate.device);
    expect(await reader.healthOf(token_id!)).toMatchObject({
      state: "healthy",
      evidence_hash: health.evidence_hash,
    });
  }
  const minted = await chainClient(transport).readContract({
    address: deployment.token,
    abi: caliberTokenAbi,
    functionName: "totalMinted",
  });
  expect(minted).toBe(BigInt(registry.devices.length));
}

async function until(writer: ChainWriter, is: (writer: ChainWriter) => boolean): Promise<void> {
  for (let left = 200; !is(writer); left -= 1) {
    if (left === 0) throw new Error(`not in time: ${String(is)}`);
    await sleep(50);
  }
}

/** The node ends, keeping its state, and is away for a moment. */
async function restart(end: "kill" | "stop"): Promise<void> {
  const { port } = anvil;
  await anvil[end]();
  anvil = await startAnvil(stateArgs(), port);
}

describe("a node that is away", () => {
  it("is waited for, and told of; then everything is done once", async () => {
    const registry = fakeRegistry(4);
    const db = new Database(":memory:");
    const { writer } = open(registry, db);
    writer.start();
    try {
      await until(writer, () => registry.asked.length === 4);
      const { port } = anvil;
      await anvil.stop();
      await until(writer, (w) => w.status().rpc.state === "down");
      await sleep(300);
      expect(writer.status()).toMatchObject({ rpc: { state: "down", since_ms: now_ms }, fault: null });
      anvil = await startAnvil(stateArgs(), port);
      await until(writer, () => registry.devices.every((d) => d.token_id !== null));
      expect(writer.status().rpc).toEqual({ state: "ok" });
    } finally {
      await writer.stop();
    }
    // Posts may still have been to come when it was stopped.
    await runUntilQuiet(open(registry, db).writer);
    await expectTitled(registry);
    expect(types(registry).filter((type) => type === "minted")).toHaveLength(4);
  });

  it("does not keep the writer from stopping when it hangs", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const registry = fakeRegistry(1);
    const { writer } = openBench({
      deployment,
      view: registry.view,
      transport: chainTransport(`http://127.0.0.1:${port}`),
    });
    writer.start();
    await sleep(100);
    expect(writer.status().rpc.state).toBe("starting");
    await writer.stop();
    silent.close();
    await expect(writer.step()).rejects.toMatchObject({ code: "CHAIN_WRITER_STOPPED" });
  });
});

describe("a chain that lost blocks", () => {
  it("gets the same transactions again after a reorganisation", async () => {
    const registry = fakeRegistry(4);
    registry.log.size = 5;
    const { writer, store } = open(registry);
    await runUntilQuiet(writer);
    const before = registry.devices.map((d) => d.token_id);
    const mints = store.inState("done").filter(({ kind }) => kind === "mint");
    const head = Number(await anvil.rpc("eth_blockNumber"));
    await anvil.rpc("anvil_reorg", [head - deployment.block.number, []]);
    const client = chainClient(chainTransport(anvil.url));
    expect(
      await client.readContract({
        address: deployment.token,
        abi: caliberTokenAbi,
        functionName: "totalMinted",
      }),
    ).toBe(0n);
    await runUntilQuiet(writer);
    await expectTitled(registry);
    expect(registry.devices.map((d) => d.token_id)).toEqual(before);
    for (const { id, tx } of mints) expect(store.find(id)).toMatchObject({ state: "done", tx, attempts: 1 });
    expect(types(registry)).not.toContain("unminted");
  });

  it("of 64 blocks has each effect once more and no other twice, whatever depth it lay at", async () => {
    const registry = fakeRegistry(4);
    const late = registry.devices.splice(2);
    const { writer, store } = open(registry);
    registry.log.size = 3;
    await runUntilQuiet(writer);
    // Deep enough to stay, whatever goes above it.
    await anvil.rpc("anvil_mine", ["0x46"]);
    const below = Number(await anvil.rpc("eth_blockNumber"));
    const stays = store.inState("done").map(({ id }) => id);
    registry.devices.push(...late);
    await runUntilQuiet(writer);
    await anvil.rpc("anvil_mine", ["0x14"]);
    registry.log.size = 9;
    await runUntilQuiet(writer);
    await anvil.rpc("anvil_mine", [
      `0x${(below + 64 - Number(await anvil.rpc("eth_blockNumber"))).toString(16)}`,
    ]);
    await writer.step();
    const txs = () =>
      new Map(
        store
          .inState("done")
          .filter(({ kind }) => kind !== "post")
          .map(({ id, tx, attempts }) => [id, { tx, attempts }]),
      );
    const before = txs();
    const ids = registry.devices.map(({ token_id }) => token_id);
    await anvil.rpc("anvil_reorg", [64, []]);
    expect(await anvil.rpc("eth_getTransactionReceipt", [before.get("anchor:9")!.tx])).toBeNull();
    await runUntilQuiet(writer);
    await expectTitled(registry);
    expect(registry.devices.map(({ token_id }) => token_id)).toEqual(ids);
    expect(txs()).toEqual(before);
    expect(stays.every((id) => store.find(id)?.state === "done")).toBe(true);
    expect(types(registry)).not.toContain("unminted");
  });

  it("gets them again after it was restarted older, by a writer that was restarted too", async () => {
    const registry = fakeRegistry(2);
    const [first, second] = registry.devices;
    registry.devices.splice(1);
    const db = new Database(":memory:");
    await runUntilQuiet(open(registry, db).writer);
    await restart("stop");
    registry.devices.push(second!);
    registry.log.size = 9;
    await runUntilQuiet(open(registry, db).writer);
    expect(second!.token_id).toBe(2n);
    // kill -9: what was mined since the last dump is gone.
    await restart("kill");
    await runUntilQuiet(open(registry, db).writer);
    expect([first!.token_id, second!.token_id]).toEqual([1n, 2n]);
    await expectTitled(registry);
    expect(types(registry)).not.toContain("unminted");
  });

  it("mints anew, with new consents, what was lost longer ago than an authorization lives", async () => {
    const registry = fakeRegistry(2);
    const db = new Database(":memory:");
    await restart("stop");
    await runUntilQuiet(open(registry, db).writer);
    const asked = registry.asked.length;
    await restart("kill");
    now_ms += 2 * 3_600_000;
    await anvil.rpc("evm_increaseTime", [2 * 3_600]);
    await anvil.rpc("evm_mine");
    const { writer } = open(registry, db);
    await runUntilQuiet(writer);
    now_ms += 13_000;
    await runUntilQuiet(writer);
    await expectTitled(registry);
    expect(types(registry).filter((type) => type === "unminted")).toHaveLength(2);
    expect(registry.asked.length).toBeGreaterThan(asked);
  });

  it("mints anew what was lost together with the intent table", async () => {
    const registry = fakeRegistry(2);
    await restart("stop");
    await runUntilQuiet(open(registry).writer);
    await restart("kill");
    await runUntilQuiet(open(registry).writer);
    await expectTitled(registry);
    expect(types(registry).filter((type) => type === "unminted")).toHaveLength(2);
  });

  it("is told by CHAIN_CONTRACTS_MISSING when it is empty, even with new contracts at the same addresses", async () => {
    const registry = fakeRegistry(2);
    const db = new Database(":memory:");
    const { writer } = open(registry, db);
    await runUntilQuiet(writer);
    const { port } = anvil;
    await anvil.kill();
    anvil = await startAnvil([], port);
    await expect(writer.step()).rejects.toMatchObject({ code: "CHAIN_CONTRACTS_MISSING" });
    expect(writer.status().fault).toMatchObject({ code: "CHAIN_CONTRACTS_MISSING" });

    const old = deployment;
    await sleep(1_000);
    deployment = await deployTo(anvil.url);
    expect(deployment.token).toBe(old.token);
    await expect(writer.step()).rejects.toMatchObject({ code: "CHAIN_CONTRACTS_MISSING" });

    await runUntilQuiet(open(registry, db).writer);
    await expectTitled(registry);
    expect(types(registry).filter((type) => type === "unminted")).toHaveLength(2);
    expect(types(registry).filter((type) => type === "minted")).toHaveLength(4);
  });
});
