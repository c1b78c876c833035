import { custom, encodeFunctionData } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "./chainClient.js";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import { fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

let anvil: Anvil;
let deployment: Deployment;
let snapshot: unknown;

beforeAll(async () => {
  anvil = await startAnvil();
  deployment = await deployTo(anvil.url);
});
beforeEach(async () => {
  if (snapshot !== undefined) await anvil.rpc("evm_revert", [snapshot]);
  snapshot = await anvil.rpc("evm_snapshot");
});
afterAll(() => anvil.kill());

const transport = () => chainTransport(anvil.url);
const client = () => chainClient(transport());

describe("transactions", () => {
  it("replaces a stuck transaction under the same nonce, and takes whichever is mined", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      now_ms: () => now_ms,
    });
    await anvil.rpc("evm_setAutomine", [false]);
    try {
      await writer.step();
      await writer.step();
      now_ms += 61_000;
      await writer.step();
      const [second, first, ...rest] = store.txs("anchor:5");
      expect(rest).toEqual([]);
      expect(second!.nonce).toBe(first!.nonce);
      expect(second!.max_fee_wei).toBeGreaterThan(first!.max_fee_wei);
      await anvil.rpc("evm_mine");
      await writer.step();
      expect(store.find("anchor:5")).toMatchObject({ state: "done", tx: second!.hash });
    } finally {
      await anvil.rpc("evm_setAutomine", [true]);
    }
  });

  it("waits for its turn to replace when the node calls it underpriced, and lets the first one win", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const inner = transport()({});
    let sends = 0;
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: custom(
        {
          async request(args: { method: string; params: unknown[] }) {
            if (args.method === "eth_sendRawTransaction") {
              sends += 1;
              // The code and words of geth's pool.
              if (sends > 1) throw { code: -32000, message: "replacement transaction underpriced" };
            }
            return inner.request(args as never);
          },
        },
        { retryCount: 0 },
      ),
      now_ms: () => now_ms,
    });
    await anvil.rpc("evm_setAutomine", [false]);
    try {
      await writer.step();
      for (let round = 1; round <= 2; round += 1) {
        now_ms += 61_000;
        await writer.step();
        expect(store.txs("anchor:5")).toHaveLength(1 + round);
        expect(store.find("anchor:5")!.last_error).toContain("underpriced");
      }
      expect(sends).toBe(3);
      await anvil.rpc("evm_mine");
      await writer.step();
      expect(store.find("anchor:5")).toMatchObject({ state: "done", tx: store.txs("anchor:5").at(-1)!.hash });
    } finally {
      await anvil.rpc("evm_setAutomine", [true]);
    }
  });

  it("signs nothing while the base fee is past the cap", async () => {
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const settings = { max_fee_cap_wei: 1n };
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      settings,
    });
    await writer.step();
    expect(writer.status().problems).toMatchObject([{ code: "CHAIN_FEE_CAP" }]);
    expect(store.find("anchor:5")).toMatchObject({ state: "wanted", attempts: 0 });
  });

  it("tells when a stuck transaction's replacement would pass the cap, and keeps the one that is there", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const base_fee_wei = (await client().getBlock()).baseFeePerGas!;
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      // The first one takes all that is allowed.
      settings: { max_fee_cap_wei: base_fee_wei + 1n },
      now_ms: () => now_ms,
    });
    await anvil.rpc("evm_setAutomine", [false]);
    try {
      await writer.step();
      const [first] = store.txs("anchor:5");
      expect(first!.max_fee_wei).toBe(base_fee_wei + 1n);
      for (let rounds = 2; rounds > 0; rounds -= 1) {
        now_ms += 61_000;
        await writer.step();
        expect(writer.status().problems).toMatchObject([{ code: "CHAIN_FEE_CAP", subject: "anchor:5" }]);
        expect(store.txs("anchor:5")).toEqual([first]);
      }
      await anvil.rpc("evm_mine");
      await writer.step();
      expect(store.find("anchor:5")).toMatchObject({ state: "done", tx: first!.hash });
      expect(writer.status().problems).toEqual([]);
    } finally {
      await anvil.rpc("evm_setAutomine", [true]);
    }
  });

  it("tells of a fee cap no more once the transaction that was stuck counts no more", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const base_fee_wei = (await client().getBlock()).baseFeePerGas!;
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      settings: { max_fee_cap_wei: base_fee_wei + 1n },
      now_ms: () => now_ms,
    });
    await anvil.rpc("evm_setAutomine", [false]);
    try {
      await writer.step();
      now_ms += 61_000;
      await writer.step();
      expect(writer.status().problems).toMatchObject([{ code: "CHAIN_FEE_CAP", subject: "anchor:5" }]);
      store.unsign("anchor:5", "its nonce is gone");
      store.finish("anchor:5", "obsolete", null);
      registry.log.size = 0;
      await writer.step();
      expect(writer.status().problems).toEqual([]);
    } finally {
      await anvil.rpc("evm_setAutomine", [true]);
    }
  });

  it("sends nothing that would burn more gas than an honest call can, and tells so", async () => {
    const registry = fakeRegistry(1);
    const inner = transport()({});
    let estimate = "0x4c4b41";
    const request = (args: { method: string }) =>
      args.method === "eth_estimateGas" ? Promise.resolve(estimate) : inner.request(args as never);
    let now_ms = Date.now();
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: custom({ request }, { retryCount: 0 }),
      now_ms: () => now_ms,
    });
    const mint = `mint:${registry.devices[0]!.candidate.device}:0`;
    for (let i = 0; i < 3; i += 1) await writer.step();
    const reason = "CHAIN_GAS_CAP: the call needs 5000001 gas, and 5000000 are the most";
    expect(store.find(mint)).toMatchObject({ state: "failed", attempts: 0, last_error: reason });
    expect(writer.status().problems).toMatchObject([
      { code: "INTENT_REFUSED", subject: mint, text: `${mint}: ${reason}` },
    ]);
    // A post may be of many transitions.
    estimate = "0x3d0900";
    now_ms += 31_000;
    await runUntilQuiet(writer);
    expect(writer.status().problems).toEqual([]);
    estimate = "0x4c4b41";
    registry.devices[0]!.health = { ...registry.devices[0]!.health, sequence: 2, state: "lost" };
    await runUntilQuiet(writer);
    estimate = "0xb71b01";
    registry.devices[0]!.health = { ...registry.devices[0]!.health, sequence: 3, state: "healthy" };
    await writer.step();
    expect(writer.status().problems).toMatchObject([
      { code: "CHAIN_REFUSES", subject: "post", text: expect.stringContaining("CHAIN_GAS_CAP") },
    ]);
  });

  it("counts a transaction only under its confirmations", async () => {
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const settings = { confirmations: 2 };
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      settings,
    });
    await writer.step();
    for (const state of ["mined", "mined", "done"]) {
      await writer.step();
      expect(store.find("anchor:5")).toMatchObject({ state });
      expect(registry.recorded.some(({ type }) => type === "anchored")).toBe(state === "done");
      await anvil.rpc("evm_mine");
    }
  });

  it("tells when the account is out of funds, and goes on when it has some", async () => {
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const { writer, store } = openBench({ deployment, view: registry.view, transport: transport() });
    await anvil.rpc("anvil_setBalance", [account.address, "0x1"]);
    await writer.step();
    expect(writer.status()).toMatchObject({ problems: [{ code: "WRITER_OUT_OF_FUNDS" }], balance_wei: 1n });
    expect(store.find("anchor:5")).toMatchObject({ state: "wanted", nonce: null });
    await anvil.rpc("anvil_setBalance", [account.address, "0x56bc75e2d63100000"]);
    await runUntilQuiet(writer);
    expect(writer.status().problems).toEqual([]);
    expect(store.find("anchor:5")).toMatchObject({ state: "done" });
  });

  it("signs anew when another transaction of the account took the nonce", async () => {
    const registry = fakeRegistry(0);
    registry.log.size = 5;
    const { writer, store } = openBench({ deployment, view: registry.view, transport: transport() });
    await anvil.rpc("evm_setAutomine", [false]);
    await writer.step();
    const [ours] = store.txs("anchor:5");
    await anvil.rpc("anvil_dropTransaction", [ours!.hash]);
    await anvil.rpc("evm_setAutomine", [true]);
    await anvil.rpc("eth_sendTransaction", [{ from: account.address, to: account.address, value: "0x1" }]);
    await runUntilQuiet(writer);
    const after = store.find("anchor:5");
    expect(after).toMatchObject({ state: "done", nonce: ours!.nonce + 1, attempts: 2 });
  });

  it("says why the chain refuses, until it does no more: a writer without a role", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(1);
    registry.log.size = 5;
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      now_ms: () => now_ms,
    });
    const at = { address: deployment.log, abi: caliberLogAbi } as const;
    const anchors = await client().readContract({ ...at, functionName: "ANCHOR_ROLE" });
    const registrars = await client().readContract({
      address: deployment.token,
      abi: caliberTokenAbi,
      functionName: "REGISTRAR_ROLE",
    });
    async function have(isAllowed: boolean): Promise<void> {
      const functionName = isAllowed ? "grantRole" : "revokeRole";
      for (const [to, role] of [
        [deployment.log, anchors],
        [deployment.token, registrars],
      ] as const) {
        const data = encodeFunctionData({ abi: caliberLogAbi, functionName, args: [role, account.address] });
        await anvil.rpc("eth_sendTransaction", [{ from: account.address, to, data }]);
      }
    }
    await have(false);
    await writer.step();
    expect(store.find("anchor:5")).toMatchObject({ state: "failed" });
    expect(store.find("anchor:5")!.last_error).toContain("AccessControlUnauthorizedAccount");
    await writer.step();
    const mint = `mint:${registry.devices[0]!.candidate.device}:0`;
    expect(writer.status().problems).toMatchObject([
      { code: "CHAIN_REFUSES", subject: "anchor", text: expect.stringContaining("AccessControlUnauth") },
      { code: "INTENT_REFUSED", subject: mint, text: expect.stringContaining("AccessControlUnauth") },
    ]);
    // Nobody wishes for it any more, and then somebody does.
    const [device] = registry.devices;
    device!.replaced = true;
    await writer.step();
    expect(writer.status().problems).toMatchObject([{ code: "CHAIN_REFUSES" }]);
    device!.replaced = false;
    await have(true);
    now_ms += 31_000;
    await runUntilQuiet(writer);
    expect(writer.status().problems).toEqual([]);
    expect(registry.devices[0]!.token_id).toBe(1n);
  });
});
