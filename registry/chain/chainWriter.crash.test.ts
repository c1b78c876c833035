import { hash } from "node:crypto";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import { type FakeRegistry, fakeRegistry } from "./testing/fakeRegistry.js";
import { type Fate, fate, Killed, mortalDatabase, mortalTransport, mortalView } from "./testing/mortal.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

let anvil: Anvil;
let deployment: Deployment;
const evidence = hash("sha256", "new inventory", "hex");

beforeAll(async () => {
  anvil = await startAnvil();
  deployment = await deployTo(anvil.url);
});
afterAll(() => anvil.kill());

/** Two devices to title, the first of which then shows new evidence, and a log to anchor. */
function world(): FakeRegistry {
  const registry = fakeRegistry(2);
  registry.log.size = 5;
  const { amendments } = registry.view;
  let amended = false;
  registry.view.amendments = () => {
    const [first] = registry.devices;
    if (registry.recorded.some(({ type }) => type === "amended")) amended = true;
    if (!amended && first!.token_id !== null) {
      return [{ device: first!.candidate.device, token_id: first!.token_id, evidence, assurance: 0 }];
    }
    return amendments();
  };
  return registry;
}

async function liveAndDie(registry: FakeRegistry, db: Database.Database, life: Fate): Promise<void> {
  const { writer } = openBench({
    deployment,
    db: mortalDatabase(db, life),
    view: mortalView(registry.view, life),
    transport: mortalTransport(chainTransport(anvil.url), life),
  });
  await runUntilQuiet(writer);
}

async function expectEachEffectOnce(registry: FakeRegistry, firstNonce: number): Promise<void> {
  const client = chainClient(chainTransport(anvil.url));
  const reader = createChainReader(chainTransport(anvil.url), deployment);
  const fromBlock = BigInt(deployment.block.number);
  expect(
    await client.readContract({
      address: deployment.token,
      abi: caliberTokenAbi,
      functionName: "totalMinted",
    }),
  ).toBe(2n);
  for (const { candidate, token_id, health } of registry.devices) {
    expect((await reader.titleOf(token_id!)).device).toBe(candidate.device);
    expect(await reader.healthOf(token_id!)).toMatchObject({
      state: "healthy",
      evidence_hash: health.evidence_hash,
    });
    const minted = registry.recorded.filter((b) => b.type === "minted" && b.device === candidate.device);
    expect(new Set(minted.map((body) => JSON.stringify(body))).size).toBe(1);
  }
  expect(await reader.titleOf(registry.devices[0]!.token_id!)).toMatchObject({ evidence, amendments: 1 });
  const anchored = await client.getContractEvents({
    address: deployment.log,
    abi: caliberLogAbi,
    eventName: "Anchored",
    fromBlock,
    strict: true,
  });
  expect(anchored.map(({ args }) => args.size)).toEqual([5n]);
  expect(registry.recorded.filter(({ type }) => type === "anchored")).toHaveLength(1);
  const posts = await client.getContractEvents({
    address: deployment.health,
    abi: caliberHealthAbi,
    eventName: "EpochPosted",
    fromBlock,
  });
  // Nothing reverted and nothing was sent that is not accounted for: two mints, an amendment, an anchor, the posts.
  const nonce = await client.getTransactionCount({ address: account.address });
  expect(nonce - firstNonce).toBe(4 + posts.length);
}

async function inFreshChain(test: (firstNonce: number) => Promise<void>): Promise<void> {
  const snapshot = await anvil.rpc("evm_snapshot");
  const nonce = Number(await anvil.rpc("eth_getTransactionCount", [account.address, "latest"]));
  try {
    await test(nonce);
  } finally {
    await anvil.rpc("evm_revert", [snapshot]);
  }
}

describe("a writer killed at any change of the world", () => {
  let moments = 0;

  it("does all there is to do when nobody kills it", async () => {
    await inFreshChain(async (nonce) => {
      const registry = world();
      const life = fate(Number.POSITIVE_INFINITY, "before");
      await liveAndDie(registry, new Database(":memory:"), life);
      moments = life.moments;
      await expectEachEffectOnce(registry, nonce);
    });
    expect(moments).toBeGreaterThan(30);
  });

  it.each(["before", "after"] as const)(
    "goes on after a death %s each of them",
    async (when) => {
      let deaths = 0;
      for (let at = 1; at <= moments; at += 1) {
        await inFreshChain(async (nonce) => {
          const registry = world();
          const db = new Database(":memory:");
          const life = fate(at, when);
          // How many posts it takes depends on which receipts a round finds: a life may be over before its death.
          const outcome = await liveAndDie(registry, db, life).then(
            () => null,
            (error: unknown) => error,
          );
          expect(life.dead, `death ${when} ${at} of ${life.moments}`).toBe(life.moments >= at);
          if (life.dead) expect(outcome).toBeInstanceOf(Error);
          else expect(outcome).toBeNull();
          deaths += life.dead ? 1 : 0;
          const { writer } = openBench({
            deployment,
            db,
            view: registry.view,
            transport: chainTransport(anvil.url),
          });
          await runUntilQuiet(writer);
          await expectEachEffectOnce(registry, nonce);
        });
      }
      expect(deaths).toBeGreaterThan(30);
    },
    120_000,
  );

  it("goes on after a hundred deaths in a row", async () => {
    await inFreshChain(async (nonce) => {
      const registry = world();
      const db = new Database(":memory:");
      for (let at = 1; at <= 100; at += 1) {
        await liveAndDie(registry, db, fate(1 + (at % 5), at % 2 === 0 ? "before" : "after")).catch(
          (error) => {
            if (!(error instanceof Killed) && !(error.cause instanceof Killed)) throw error;
          },
        );
      }
      await runUntilQuiet(
        openBench({ deployment, db, view: registry.view, transport: chainTransport(anvil.url) }).writer,
      );
      await expectEachEffectOnce(registry, nonce);
    });
  }, 60_000);
});
