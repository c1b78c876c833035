import { type Abi, encodeFunctionData, hashTypedData, keccak256, type TypedDataDefinition } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import { replacementTypedData } from "../replacement/replacementTypedData.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import type { AmendPayload, Intent } from "./intent.js";
import { intentEffect } from "./intentEffect.js";
import { type FakeDevice, type FakeOrder, fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { type Bench, deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

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

/** The second account of every development chain, to whom the fake devices' titles go. */
const holder = mnemonicToAccount("test test test test test test test test test test test junk", {
  addressIndex: 1,
});
const stranger = mnemonicToAccount("test test test test test test test test test test test junk", {
  addressIndex: 5,
});
const transport = () => chainTransport(anvil.url);
const titleOf = (token_id: bigint) => createChainReader(transport(), deployment).titleOf(token_id);
const typedData = (order: FakeOrder) =>
  replacementTypedData(order.told!.asked!) as unknown as TypedDataDefinition;

async function asHolder(functionName: "setController" | "redeem", args: unknown[]): Promise<void> {
  const data = encodeFunctionData({ abi: caliberTokenAbi as Abi, functionName, args });
  const from = holder.address;
  await anvil.rpc("eth_sendTransaction", [{ from, to: deployment.token, data, gas: "0x4c4b40" }]);
}

/** A titled device, another one that is to stand in, and the order that says so. */
const ordered = async () => {
  const registry = fakeRegistry(2);
  const [old, next] = registry.devices as [FakeDevice, FakeDevice];
  next.replaced = true;
  let now_ms = Date.now();
  const open = (db?: Bench["db"]) =>
    openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      now_ms: () => now_ms,
      ...(db && { db }),
    });
  const bench = open();
  await runUntilQuiet(bench.writer);
  const token_id = old.token_id!;
  next.replaced = false;
  const order: FakeOrder = { token_id, device: next, signed: null, consent: null, told: null };
  registry.order = order;
  /** Two rounds, each after the longest pause between looks. */
  const look = async (writer = bench.writer) => {
    for (const _round of [0, 1]) {
      now_ms += 400_000;
      await writer.step();
    }
  };
  const pass = (ms: number) => {
    now_ms += ms;
  };
  return { registry, old, next, token_id, order, bench, open, look, pass };
};

describe("a replacement", () => {
  it("goes from the device's signature to the consent to the chain, at any restart in between", async () => {
    const { registry, old, next, token_id, order, bench, open, look } = await ordered();
    registry.answering = false;
    await look();
    expect(order.told).toEqual({ asked: null, consenter: holder.address, by_contract: false, problem: null });
    registry.answering = true;
    await look(open().writer);
    expect(order.told).toMatchObject({ consenter: holder.address, problem: null });
    expect(order.told!.asked).toMatchObject({
      token_id: String(token_id),
      device_key_hash: `0x${next.candidate.device}`,
      weak_identity: `0x${next.candidate.weak_identity}`,
      predecessor: "0",
      nonce: "0",
    });
    expect(bench.writer.status().intents.wanted).toBe(0);
    const data = typedData(order);
    expect(hashTypedData(data)).toBe(keccak256(titleReplacementMessage(order.told!.asked!)));
    order.consent = await holder.signTypedData(data);
    await runUntilQuiet(open().writer);
    const replaced = registry.recorded.filter(({ type }) => type === "replaced");
    expect(replaced).toMatchObject([
      { device: next.candidate.device, former: old.candidate.device, token_id: String(token_id) },
    ]);
    expect(await titleOf(token_id)).toMatchObject({
      device: next.candidate.device,
      weak_identity: next.candidate.weak_identity,
      owner: holder.address.toLowerCase(),
      amendments: 1,
    });
    // A registry that was restored from before finds it done.
    registry.recorded.length = 0;
    Object.assign(old, { token_id, replaced: false });
    next.token_id = null;
    registry.order = { ...order, consent: null };
    await runUntilQuiet(open().writer);
    expect(registry.recorded.filter(({ type }) => type === "replaced")).toEqual(replaced);
    // As does one from before the order too, which has the title of the device that left.
    registry.recorded.length = 0;
    Object.assign(old, { token_id, replaced: false });
    next.token_id = null;
    const restored = open();
    await runUntilQuiet(restored.writer);
    const titles = () => registry.recorded.filter(({ type }) => type !== "beacon");
    expect(titles()).toEqual(replaced);
    expect(restored.writer.status().problems.filter(({ code }) => code.startsWith("TITLE"))).toEqual([]);
    // And one from before any title: there is none for the device that left to have.
    registry.recorded.length = 0;
    next.token_id = null;
    await runUntilQuiet(open().writer);
    expect(titles()).toMatchObject([
      { type: "minted", device: next.candidate.device, token_id: String(token_id) },
    ]);
  });

  it("tells when the consent is not the holder's, and takes another", async () => {
    const { old, next, token_id, order, bench, look } = await ordered();
    await look();
    order.consent = await stranger.signTypedData(typedData(order));
    await look();
    await look();
    expect(order.told!.problem).toEqual({
      code: "CONSENT_INVALID",
      text: `the chain does not take the consent: ConsentInvalid(${holder.address})`,
    });
    expect(await titleOf(token_id)).toMatchObject({ device: old.candidate.device });
    order.consent = await holder.signTypedData(typedData(order));
    await look();
    await runUntilQuiet(bench.writer);
    expect(await titleOf(token_id)).toMatchObject({ device: next.candidate.device });
  });

  it("asks the device again when what it signed is not what it was asked for", async () => {
    const { order, look } = await ordered();
    await look();
    const { replacement, signature } = order.signed!;
    const stale = { replacement: { ...replacement, predecessor: "5" }, signature };
    const foreign = { replacement, signature: `${signature.slice(0, -2)}00` };
    for (const bad of [stale, foreign]) {
      order.signed = bad;
      await look();
      expect(order.signed).not.toEqual(bad);
      expect(order.signed!.replacement.predecessor).toBe("0");
      expect(order.told!.asked).toEqual(order.signed!.replacement);
    }
  });

  it("has the device sign anew when its word has run out, or the title has another controller", async () => {
    const { token_id, order, look, pass } = await ordered();
    await look();
    const first = order.told!.asked!;
    pass(7 * 24 * 3600 * 1000);
    await look();
    const second = order.told!.asked!;
    expect({ ...second, deadline: "" }).toEqual({ ...first, deadline: "" });
    expect(BigInt(second.deadline)).toBeGreaterThan(BigInt(first.deadline));
    await asHolder("setController", [token_id, stranger.address]);
    await look();
    expect(order.told).toMatchObject({ consenter: stranger.address, problem: null });
    expect(order.told!.asked!.fingerprint).not.toBe(second.fingerprint);
  });

  it("is consented to by a contract, whose word only the chain knows", async () => {
    const { next, token_id, order, bench, look } = await ordered();
    // Answers every call with the magic value of ERC-1271.
    const yes = `0x7f1626ba7e${"00".repeat(28)}60005260206000f3`;
    await anvil.rpc("anvil_setCode", [stranger.address, yes]);
    await asHolder("setController", [token_id, stranger.address]);
    await look();
    expect(order.told).toMatchObject({ consenter: stranger.address, by_contract: true });
    order.consent = "0x01";
    await runUntilQuiet(bench.writer);
    expect(await titleOf(token_id)).toMatchObject({ device: next.candidate.device });
  });

  it("comes to nothing when it is cancelled while the chain is read", async () => {
    const { old, registry, token_id, order, bench, look } = await ordered();
    await look();
    order.consent = await holder.signTypedData(typedData(order));
    const { tellReplacement } = registry.view;
    registry.view.tellReplacement = (...told) => {
      tellReplacement(...told);
      registry.order = null;
    };
    await runUntilQuiet(bench.writer);
    expect(await titleOf(token_id)).toMatchObject({ device: old.candidate.device });
    expect(bench.store.find(`replace:${token_id}:${order.device.candidate.device}`)).toBeNull();
  });

  it("is sent again, the same, when a reorganisation takes it back", async () => {
    const { registry, old, next, token_id, order, bench, open, look } = await ordered();
    await look();
    order.consent = await holder.signTypedData(typedData(order));
    const before = await anvil.rpc("evm_snapshot", []);
    await runUntilQuiet(bench.writer);
    const [recorded] = registry.recorded.filter(({ type }) => type === "replaced");
    await anvil.rpc("evm_revert", [before]);
    await anvil.rpc("anvil_mine", ["0x3"]);
    expect(await titleOf(token_id)).toMatchObject({ device: old.candidate.device });
    await runUntilQuiet(open(bench.db).writer);
    expect(await titleOf(token_id)).toMatchObject({ device: next.candidate.device, amendments: 1 });
    const all = registry.recorded.flatMap((body) => (body.type === "replaced" ? [body.tx] : []));
    expect(new Set(all)).toEqual(new Set([recorded?.type === "replaced" && recorded.tx]));
    expect(registry.recorded.filter(({ type }) => type === "unminted")).toEqual([]);
  });

  it("and an amendment of the same title are never under way at once", async () => {
    const { registry, old, next, token_id, order, bench, look } = await ordered();
    const { store, writer } = bench;
    const amended = (evidence: string) => ({
      device: old.candidate.device,
      token_id,
      evidence,
      assurance: 0,
    });
    const replacing = () => store.find(`replace:${token_id}:${next.candidate.device}`);
    const [first, second] = ["e1".repeat(32), "e2".repeat(32)] as [string, string];
    await look();
    order.consent = await holder.signTypedData(typedData(order));
    await anvil.rpc("evm_setAutomine", [false]);
    try {
      registry.amendments.push(amended(first));
      await look();
      expect(store.find(`amend:${token_id}:0x${first}`)).toMatchObject({ state: "signed" });
      expect(replacing()).toBeNull();
      await anvil.rpc("evm_mine");
      await look();
      // The title is another than the one that was consented to.
      order.consent = await holder.signTypedData(typedData(order));
      await look();
      expect(replacing()).toMatchObject({ state: "signed" });
      registry.amendments.push(amended(second));
      await look();
      expect(store.find(`amend:${token_id}:0x${second}`)).toBeNull();
      await anvil.rpc("evm_mine");
    } finally {
      await anvil.rpc("evm_setAutomine", [true]);
    }
    await writer.step();
    expect(await titleOf(token_id)).toMatchObject({
      device: next.candidate.device,
      evidence: next.candidate.evidence,
    });
    // One that was wanted before amendments waited.
    const left = amended(second);
    const payload: AmendPayload = { ...left, token_id: String(token_id), evidence: `0x${second}` };
    const ports = { client: chainClient(transport()), deployment };
    expect(await intentEffect(ports, { kind: "amend", payload } as Intent)).toMatchObject({
      is: "overtaken",
    });
  });

  it("tells of a title that is redeemed, and of a key that had one", async () => {
    const { old, next, token_id, order, bench, look } = await ordered();
    await look();
    const before = order.told!;
    expect(before.asked).not.toBeNull();
    await asHolder("redeem", [token_id]);
    await look();
    expect(order.told).toEqual({
      ...before,
      problem: { code: "TOKEN_NOT_ON_CHAIN", text: `token ${token_id} is not on chain` },
    });
    const other = await ordered();
    Object.assign(other.order, { device: { ...other.next, candidate: old.candidate } });
    await other.look();
    expect(other.order.told!.problem?.code).toBe("KEY_RETIRED");
    expect(next.token_id).toBeNull();
    expect(bench.writer.status().intents.wanted).toBe(0);
  });

  it("asks a device that does not answer less and less often, and at once when it tells something new", async () => {
    const { registry, next, order, bench, pass } = await ordered();
    registry.answering = false;
    let asked = 0;
    const { requestReplacement } = registry.view;
    registry.view.requestReplacement = (...request) => {
      asked += 1;
      requestReplacement(...request);
    };
    for (let left = 60; left > 0; left -= 1) {
      await bench.writer.step();
      pass(20_000);
    }
    // In twenty minutes; every five in the end.
    expect(asked).toBeGreaterThan(6);
    expect(asked).toBeLessThan(13);
    const before = asked;
    next.candidate.evidence = "ab".repeat(32);
    await bench.writer.step();
    expect(asked).toBe(before + 1);
    expect(order.told).toMatchObject({ asked: null, problem: null });
  });

  it("tells when the device has a title of its own", async () => {
    const registry = fakeRegistry(2);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(writer);
    const [old, next] = registry.devices as [FakeDevice, FakeDevice];
    const order: FakeOrder = {
      token_id: old.token_id!,
      device: next,
      signed: null,
      consent: null,
      told: null,
    };
    registry.order = order;
    await writer.step();
    expect(order.told).toEqual({
      asked: null,
      consenter: null,
      by_contract: false,
      problem: { code: "DEVICE_TITLED", text: `the device has token ${next.token_id} of its own on chain` },
    });
  });
});
