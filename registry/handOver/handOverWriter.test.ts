import Database from "better-sqlite3";
import pino from "pino";
import { type Address, encodeFunctionData, type LocalAccount } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { originHash } from "../../protocol/log/originHash.js";
import { chainClient } from "../chain/chainClient.js";
import { createChainReader } from "../chain/chainReader.js";
import { chainTransport } from "../chain/chainTransport.js";
import { type ChainWriter, createChainWriter } from "../chain/chainWriter.js";
import type { Deployment } from "../chain/deployment.js";
import { sendFromAccount } from "../chain/sendFromAccount.js";
import { type FakeRegistry, fakeRegistry } from "../chain/testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "../chain/testing/startAnvil.js";
import { deployTo, account as old, runUntilQuiet } from "../chain/testing/writerBench.js";
import { acceptAdmin } from "./acceptAdmin.js";
import { type HandOver, handOverCalls } from "./handOverCalls.js";
import { handOverWriter } from "./handOverWriter.js";

let anvil: Anvil;
let deployment: Deployment;
let next: LocalAccount;
beforeAll(async () => {
  anvil = await startAnvil();
});
beforeEach(async () => {
  deployment = await deployTo(anvil.url);
  next = privateKeyToAccount(generatePrivateKey());
  await anvil.rpc("anvil_setBalance", [next.address, "0xde0b6b3a7640000"]);
});
afterAll(() => anvil.kill());

const transport = () => chainTransport(anvil.url);
const client = () => chainClient(transport());
const writerOf = (account: LocalAccount, db: Database.Database, registry: FakeRegistry): ChainWriter =>
  createChainWriter({
    db,
    endpoints: [{ name: "node", transport: transport() }],
    deployment,
    account,
    view: registry.view,
    log: pino({ level: "silent" }),
    now_ms: Date.now,
    settings: { poll_interval_ms: 50, anchor_interval_ms: 0, epoch_ms: 3_600_000 },
  });
const hand = (over: Partial<HandOver> = {}): HandOver => ({
  from: old.address,
  to: next.address,
  admin: old.address,
  with_admin: false,
  ...over,
});
const attestors = async (): Promise<readonly Address[]> =>
  (
    await client().readContract({
      address: deployment.health,
      abi: caliberHealthAbi,
      functionName: "quorum",
    })
  )[0];
const minted = () =>
  client().readContract({ address: deployment.token, abi: caliberTokenAbi, functionName: "totalMinted" });
const anchored = async (origin: string): Promise<bigint> =>
  (
    await client().readContract({
      address: deployment.log,
      abi: caliberLogAbi,
      functionName: "latest",
      args: [originHash(origin)],
    })
  )[0];
const rolesOf = async (account: Address): Promise<string[]> => {
  const found: string[] = [];
  const asked = [
    ["token", "REGISTRAR_ROLE"],
    ["token", "CUSTODY_ROLE"],
    ["log", "ANCHOR_ROLE"],
    ["health", "QUORUM_ROLE"],
  ] as const;
  for (const [contract, name] of asked) {
    const abi = { token: caliberTokenAbi, log: caliberLogAbi, health: caliberHealthAbi }[contract];
    const at = { address: deployment[contract], abi: abi as typeof caliberTokenAbi };
    const role = await client().readContract({ ...at, functionName: name as "REGISTRAR_ROLE" });
    if (await client().readContract({ ...at, functionName: "hasRole", args: [role, account] }))
      found.push(name);
  }
  return found;
};

describe("a writer's account that hands over to the next", () => {
  it("loses nothing of what was under way: titles, health and anchors go on under the next one", async () => {
    const db = new Database(":memory:");
    const registry = fakeRegistry(3);
    const late = registry.devices.splice(2);
    registry.log.size = 10;
    await runUntilQuiet(writerOf(old, db, registry));
    expect(await minted()).toBe(2n);
    // A mint of the old one's is sent and not mined when the roles change: it fails, or it stands.
    registry.devices.push(...late);
    await anvil.rpc("evm_setAutomine", [false]);
    const before = writerOf(old, db, registry);
    await before.step();
    await before.step();
    await anvil.rpc("evm_setAutomine", [true]);
    await anvil.rpc("anvil_dropAllTransactions");

    const sent: string[] = [];
    await handOverWriter(client(), deployment, hand(), old, ({ what }) => void sent.push(what));
    expect(sent).toHaveLength(7);
    expect(await attestors()).toEqual([next.address]);
    expect([await rolesOf(old.address), await rolesOf(next.address)]).toEqual([
      [],
      ["REGISTRAR_ROLE", "ANCHOR_ROLE"],
    ]);
    expect(await handOverCalls(client(), deployment, hand())).toEqual([]);

    registry.log.size = 20;
    for (const { health } of registry.devices) health.sequence += 1;
    await runUntilQuiet(writerOf(next, db, registry));
    expect(await minted()).toBe(3n);
    expect(new Set(registry.devices.map(({ token_id }) => token_id)).size).toBe(3);
    expect(await anchored(registry.view.origin)).toBe(20n);
    const reader = createChainReader(transport(), deployment);
    for (const { token_id, health } of registry.devices) {
      expect(await reader.healthOf(token_id!)).toMatchObject({ state: health.state });
    }
  }, 60_000);

  it("is nobody on chain any more", async () => {
    const registry = fakeRegistry(1);
    await handOverWriter(client(), deployment, hand(), old);
    const writer = writerOf(old, new Database(":memory:"), registry);
    for (let round = 0; round < 4; round += 1) await writer.step();
    expect(await minted()).toBe(0n);
    expect(writer.status().intents.failed).toBeGreaterThan(0);
    await runUntilQuiet(writerOf(next, new Database(":memory:"), registry));
    expect(await minted()).toBe(1n);
  }, 60_000);

  it("goes on where it was cut short, and takes nothing before it has given it", async () => {
    const all = await handOverCalls(client(), deployment, hand());
    expect(all.map(({ what }) => what.replaceAll(/0x[0-9a-fA-F]{40}/g, "…"))).toEqual([
      "token: grant REGISTRAR_ROLE to …",
      "log: grant ANCHOR_ROLE to …",
      "health: grant QUORUM_ROLE to …",
      "health: … attests in the place of … (1 of 1)",
      "health: revoke QUORUM_ROLE of …",
      "token: revoke REGISTRAR_ROLE of …",
      "log: revoke ANCHOR_ROLE of …",
    ]);
    for (const [done, { to, data }] of all.entries()) {
      await sendFromAccount(client(), old, { to, data });
      const left = await handOverCalls(client(), deployment, hand());
      // The role that the admin gives itself is told again, as one to be taken.
      expect(left.length).toBeLessThanOrEqual(all.length - done);
    }
    expect(await handOverCalls(client(), deployment, hand())).toEqual([]);
    expect([await rolesOf(old.address), await rolesOf(next.address)]).toEqual([
      [],
      ["REGISTRAR_ROLE", "ANCHOR_ROLE"],
    ]);
  }, 60_000);

  it("leaves an admin who is another account without the role that it gave itself, wherever it was cut short", async () => {
    const admin = privateKeyToAccount(generatePrivateKey());
    await anvil.rpc("anvil_setBalance", [admin.address, "0xde0b6b3a7640000"]);
    for (const to of [deployment.token, deployment.health, deployment.log]) {
      const args = [admin.address] as const;
      const data = encodeFunctionData({
        abi: caliberLogAbi,
        functionName: "beginDefaultAdminTransfer",
        args,
      });
      await sendFromAccount(client(), old, { to, data });
    }
    await anvil.rpc("evm_increaseTime", [10]);
    await anvil.rpc("evm_mine");
    await acceptAdmin(client(), deployment, admin);
    const over = hand({ admin: admin.address });
    const all = await handOverCalls(client(), deployment, over);
    for (const cut of all.keys()) {
      const snapshot = await anvil.rpc("evm_snapshot");
      for (const { to, data } of all.slice(0, cut)) await sendFromAccount(client(), admin, { to, data });
      await handOverWriter(client(), deployment, over, admin);
      expect(await handOverCalls(client(), deployment, over)).toEqual([]);
      expect(await attestors()).toEqual([next.address]);
      expect(await Promise.all([admin, old, next].map(({ address }) => rolesOf(address)))).toEqual([
        [],
        [],
        ["REGISTRAR_ROLE", "ANCHOR_ROLE"],
      ]);
      await anvil.rpc("evm_revert", [snapshot]);
    }
  }, 60_000);

  it("takes the one place of several attestors, and moves further roles", async () => {
    const others = [generatePrivateKey(), generatePrivateKey()].map(
      (key) => privateKeyToAccount(key).address,
    );
    const role = await client().readContract({
      address: deployment.health,
      abi: caliberHealthAbi,
      functionName: "QUORUM_ROLE",
    });
    const at = { abi: caliberHealthAbi };
    for (const call of [
      encodeFunctionData({ ...at, functionName: "grantRole", args: [role, old.address] }),
      encodeFunctionData({ ...at, functionName: "setAttestors", args: [[...others, old.address], 2] }),
    ]) {
      await sendFromAccount(client(), old, { to: deployment.health, data: call });
    }
    const custody = await client().readContract({
      address: deployment.token,
      abi: caliberTokenAbi,
      functionName: "CUSTODY_ROLE",
    });
    await sendFromAccount(client(), old, {
      to: deployment.token,
      data: encodeFunctionData({
        abi: caliberTokenAbi,
        functionName: "grantRole",
        args: [custody, old.address],
      }),
    });
    await handOverWriter(client(), deployment, hand(), old);
    expect(new Set(await attestors())).toEqual(new Set([...others, next.address]));
    expect([await rolesOf(old.address), await rolesOf(next.address)]).toEqual([
      [],
      ["REGISTRAR_ROLE", "CUSTODY_ROLE", "ANCHOR_ROLE"],
    ]);
    // One that attests already cannot stand for two.
    const other = others[0]!;
    await expect(
      handOverCalls(client(), deployment, hand({ from: next.address, to: other })),
    ).resolves.not.toEqual([]);
    await handOverWriter(client(), deployment, hand({ from: next.address, to: other }), old);
    await expect(
      handOverCalls(client(), deployment, hand({ from: other, to: others[1]! })),
    ).rejects.toMatchObject({ code: "QUORUM_TOO_SMALL" });
  }, 60_000);

  it("hands on the admin's place too, in two steps", async () => {
    expect(await acceptAdmin(client(), deployment, next)).toEqual([]);
    await handOverWriter(client(), deployment, hand({ with_admin: true }), old);
    expect(await handOverCalls(client(), deployment, hand({ with_admin: true }))).toEqual([]);
    await anvil.rpc("evm_increaseTime", [10]);
    await anvil.rpc("evm_mine");
    expect(await acceptAdmin(client(), deployment, next)).toEqual(["token", "health", "log"]);
    await expect(handOverWriter(client(), deployment, hand(), old)).rejects.toMatchObject({
      code: "CHAIN_NOT_ADMIN",
    });
    expect(await handOverWriter(client(), deployment, hand({ admin: next.address }), null)).toEqual([]);
  }, 60_000);

  it("is refused to anybody but the admin, and sends nothing without a key", async () => {
    await expect(
      handOverWriter(client(), deployment, hand({ admin: next.address }), next),
    ).rejects.toMatchObject({ code: "CHAIN_NOT_ADMIN" });
    const block = await client().getBlockNumber({ cacheTime: 0 });
    expect(await handOverWriter(client(), deployment, hand(), null)).toHaveLength(7);
    expect(await client().getBlockNumber({ cacheTime: 0 })).toBe(block);
  });
});
