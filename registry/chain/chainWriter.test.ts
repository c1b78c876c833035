import { hash } from "node:crypto";
import { toHex } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { originHash } from "../../protocol/log/originHash.js";
import { inclusionProof } from "../../protocol/merkle/inclusionProof.js";
import { nodeHash } from "../../protocol/merkle/nodeHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";
import { abiLeaf } from "./abiLeaf.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import { fleetLeafHash, fleetRoot } from "./fleetRoot.js";
import { type FakeDevice, fakeRegistry, rotateFake } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

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
const minted = () =>
  client().readContract({ address: deployment.token, abi: caliberTokenAbi, functionName: "totalMinted" });
const reader = () => createChainReader(transport(), deployment);

describe("titles", () => {
  it("mints 16 candidates once each, all in flight together", async () => {
    const registry = fakeRegistry(16);
    const { writer, store } = openBench({ deployment, view: registry.view, transport: transport() });
    await writer.step();
    expect(registry.asked).toHaveLength(16);
    await writer.step();
    expect(store.inState("signed").filter(({ kind }) => kind === "mint")).toHaveLength(16);
    await runUntilQuiet(writer);
    expect(await minted()).toBe(16n);
    expect(new Set(registry.devices.map((d) => d.token_id)).size).toBe(16);
    expect(registry.recorded.filter(({ type }) => type === "minted")).toHaveLength(16);
    for (const { candidate, token_id } of registry.devices) {
      const title = await reader().titleOf(token_id!);
      expect(title).toMatchObject({
        device: candidate.device,
        owner: candidate.recipient,
        weak_identity: candidate.weak_identity,
        evidence: candidate.evidence,
        strong_identity: null,
        predecessor: null,
        assurance: 0,
      });
    }
    await expect(reader().titleOf(17n)).rejects.toMatchObject({ code: "TITLE_UNKNOWN" });
  });

  it("records a token that the chain has and the registry has not", async () => {
    const registry = fakeRegistry(1);
    await runUntilQuiet(openBench({ deployment, view: registry.view, transport: transport() }).writer);
    const [before] = registry.recorded.filter(({ type }) => type === "minted");
    const [device] = registry.devices;
    device!.token_id = null;
    registry.recorded.length = 0;
    // A new database too: nothing but the chain knows.
    await runUntilQuiet(openBench({ deployment, view: registry.view, transport: transport() }).writer);
    expect(registry.recorded.filter(({ type }) => type === "minted")).toEqual([before]);
    expect(await minted()).toBe(1n);
  });

  it("asks a silent device again, with growing pauses and the same words", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(1);
    registry.answering = false;
    const { writer } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      now_ms: () => now_ms,
    });
    await writer.step();
    await writer.step();
    expect(registry.asked).toHaveLength(1);
    now_ms += 7_000;
    await writer.step();
    expect(registry.asked).toHaveLength(2);
    now_ms += 7_000;
    await writer.step();
    expect(registry.asked).toHaveLength(2);
    now_ms += 7_000;
    await writer.step();
    expect(registry.asked).toHaveLength(3);
    expect(new Set(registry.asked.map((auth) => JSON.stringify(auth))).size).toBe(1);
    now_ms += 3_000_000;
    await writer.step();
    expect(registry.asked).toHaveLength(4);
    expect(BigInt(registry.asked[3]!.deadline)).toBeGreaterThan(BigInt(registry.asked[0]!.deadline));
  });

  it("tells of an identity that another key's token holds, and mints nothing", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(2);
    registry.devices[1]!.candidate.weak_identity = registry.devices[0]!.candidate.weak_identity;
    const { writer } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      now_ms: () => now_ms,
    });
    await runUntilQuiet(writer);
    now_ms += 13_000;
    await runUntilQuiet(writer);
    expect(await minted()).toBe(1n);
    const untitled = registry.devices.filter((d) => d.token_id === null);
    expect(untitled).toHaveLength(1);
    expect(writer.status().problems).toMatchObject([
      { code: "IDENTITY_TAKEN", subject: untitled[0]!.candidate.device },
    ]);
  });

  it("leaves a title where it is when its device has rotated its key, tells so, and mints no second one", async () => {
    const registry = fakeRegistry(1);
    await runUntilQuiet(openBench({ deployment, view: registry.view, transport: transport() }).writer);
    const [device] = registry.devices;
    const old = device!.candidate.device;
    device!.token_key = old;
    device!.candidate = { ...device!.candidate, device: "ab".repeat(32), former: [old] };
    // As after a restart: every title is held against the chain again.
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(writer);
    expect(registry.recorded.filter(({ type }) => type === "minted" || type === "unminted")).toHaveLength(1);
    expect(await minted()).toBe(1n);
    expect(writer.status().problems).toMatchObject([
      { code: "KEY_ROTATED", subject: device!.candidate.device },
    ]);
  });

  it("lets a title follow its device to the next key, once, and records it", async () => {
    const registry = fakeRegistry(1);
    const bench = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(bench.writer);
    const [device] = registry.devices as [FakeDevice];
    const token_id = device.token_id!;
    const former = device.candidate.device;
    registry.answering = false;
    // Two rotations before the registry hears of either: the title goes from the key that it names to the last one.
    rotateFake(device);
    rotateFake(device);
    await bench.writer.step();
    expect(bench.writer.status().problems).toMatchObject([{ code: "KEY_ROTATED" }]);
    expect(registry.askedRotations).toMatchObject([
      { token_id: String(token_id), old_key_hash: `0x${former}`, nonce: "1", assurance: 0 },
    ]);
    registry.answering = true;
    registry.view.requestRotation(device.candidate.device, registry.askedRotations[0]!);
    await runUntilQuiet(bench.writer);
    const rotated = () => registry.recorded.filter(({ type }) => type === "rotated");
    expect(rotated()).toMatchObject([
      { device: device.candidate.device, former, token_id: String(token_id) },
    ]);
    expect(await reader().titleOf(token_id)).toMatchObject({
      device: device.candidate.device,
      amendments: 1,
      evidence: registry.askedRotations[0]!.evidence.slice(2),
    });
    expect(bench.writer.status().problems).toEqual([]);
    // Once more, and by a registry that was restored from before: nothing but the chain knows.
    const before = rotated();
    registry.recorded.length = 0;
    device.token_key = former;
    const again = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(again.writer);
    expect(rotated()).toEqual(before);
    expect(again.writer.status().problems).toEqual([]);
    // And on to the key after.
    rotateFake(device);
    await runUntilQuiet(again.writer);
    expect(await reader().titleOf(token_id)).toMatchObject({
      device: device.candidate.device,
      amendments: 2,
    });
    expect(await minted()).toBe(1n);
  });

  it("finds a title again whose key has changed on chain since the copy that the registry was restored from", async () => {
    const registry = fakeRegistry(1);
    const open = () => openBench({ deployment, view: registry.view, transport: transport() });
    const bench = open();
    await runUntilQuiet(bench.writer);
    const [device] = registry.devices as [FakeDevice];
    const token_id = device.token_id!;
    /** From before its title, or before the title's key, was on record. */
    const forget = () => {
      registry.recorded.length = 0;
      device.token_id = null;
      delete device.token_key;
    };
    // The next key is in force, and the chain still names the first.
    const first = device.candidate.device;
    registry.answering = false;
    rotateFake(device);
    forget();
    await open().writer.step();
    const titles = () => registry.recorded.filter(({ type }) => type !== "beacon");
    expect(titles()).toMatchObject([{ type: "minted", device: first, token_id: String(token_id) }]);
    registry.answering = true;
    await runUntilQuiet(open().writer);
    const rotated = registry.recorded.find(({ type }) => type === "rotated");
    expect(rotated).toMatchObject({ device: device.candidate.device, former: first });
    // The chain names the key in force, which was never minted to.
    forget();
    const again = open();
    await runUntilQuiet(again.writer);
    const { tx } = rotated as Extract<typeof rotated, { type: "rotated" }>;
    expect(titles()).toMatchObject([
      { type: "minted", device: device.candidate.device, token_id: String(token_id), tx },
    ]);
    expect(again.writer.status().problems).toEqual([]);
    expect(await minted()).toBe(1n);
  });

  it("tells of a token that a device's key has and no event accounts for", async () => {
    const registry = fakeRegistry(1);
    await runUntilQuiet(openBench({ deployment, view: registry.view, transport: transport() }).writer);
    const [device] = registry.devices as [FakeDevice];
    device.token_id = null;
    // As where the node gives out no older events.
    await anvil.rpc("anvil_mine", ["0x1"]);
    const { number, hash } = await client().getBlock();
    const later = { ...deployment, block: { number: Number(number), hash } };
    const { writer } = openBench({ deployment: later, view: registry.view, transport: transport() });
    await writer.step();
    expect(writer.status().problems).toMatchObject([
      { code: "TITLE_UNTRACED", subject: device.candidate.device },
    ]);
    await runUntilQuiet(openBench({ deployment, view: registry.view, transport: transport() }).writer);
    expect(device.token_id).toBe(1n);
  });

  it("takes no signature of another key, and asks again", async () => {
    const registry = fakeRegistry(1);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(writer);
    const [device] = registry.devices as [FakeDevice];
    rotateFake(device);
    const [old] = device.former_keys;
    device.key = old!;
    await writer.step();
    await writer.step();
    expect(
      writer
        .status()
        .problems.map(({ code }) => code)
        .sort(),
    ).toEqual(["KEY_ROTATED", "ROTATION_INVALID"]);
    expect(writer.status().intents).toMatchObject({ wanted: 0, signed: 0 });
  });

  it("amends a title and records it", async () => {
    const registry = fakeRegistry(1);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(writer);
    const [device] = registry.devices;
    const evidence = hash("sha256", "new inventory", "hex");
    registry.amendments = [
      { device: device!.candidate.device, token_id: device!.token_id!, evidence, assurance: 1 },
    ];
    await runUntilQuiet(writer);
    expect(await reader().titleOf(device!.token_id!)).toMatchObject({
      evidence,
      assurance: 1,
      amendments: 1,
    });
    expect(registry.recorded.filter(({ type }) => type === "amended")).toMatchObject([{ evidence }]);
    expect(registry.amendments).toEqual([]);
  });
});

describe("anchors", () => {
  const latest = async (origin: string) =>
    client().readContract({
      address: deployment.log,
      abi: caliberLogAbi,
      functionName: "latest",
      args: [originHash(origin)],
    });

  it("anchors growth only, at most once an interval, and records it", async () => {
    const registry = fakeRegistry(0);
    const settings = { anchor_interval_ms: 60_000 };
    let now_ms = Date.now();
    const { writer } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      settings,
      now_ms: () => now_ms,
    });
    registry.log.size = 7;
    await runUntilQuiet(writer);
    expect((await latest(registry.log.origin))[0]).toBe(7n);
    registry.log.size = 9;
    await runUntilQuiet(writer);
    expect((await latest(registry.log.origin))[0]).toBe(7n);
    now_ms += 61_000;
    await runUntilQuiet(writer);
    expect((await latest(registry.log.origin))[0]).toBe(9n);
    now_ms += 61_000;
    await runUntilQuiet(writer);
    const anchored = registry.recorded.filter(({ type }) => type === "anchored");
    expect(anchored).toMatchObject([{ size: 7 }, { size: 9 }]);
  });

  it("calls an anchor obsolete that another overtook", async () => {
    const registry = fakeRegistry(0);
    const { writer, store } = openBench({ deployment, view: registry.view, transport: transport() });
    registry.log.size = 20;
    await runUntilQuiet(writer);
    store.want({
      kind: "anchor",
      payload: { origin: originHash(registry.log.origin), size: 15, root: `0x${"15".repeat(32)}` },
    });
    await runUntilQuiet(writer);
    expect(store.find("anchor:15")).toMatchObject({ state: "obsolete", tx: null });
    expect(registry.recorded.filter(({ type }) => type === "anchored")).toMatchObject([{ size: 20 }]);
  });

  it("tells when the log is behind its anchor, and anchors nothing", async () => {
    const registry = fakeRegistry(0);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    registry.log.size = 20;
    await runUntilQuiet(writer);
    registry.log.size = 10;
    await runUntilQuiet(writer);
    expect(writer.status().problems).toMatchObject([{ code: "LOG_CONTRADICTS_ANCHOR" }]);
    expect(registry.halted[0]).toBe("the log has 10 entries, 20 are anchored");
    registry.log.size = 21;
    await runUntilQuiet(writer);
    expect(writer.status().problems).toEqual([]);
  });

  it("tells when a log has grown past its anchor another way, and anchors nothing", async () => {
    const registry = fakeRegistry(0);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    registry.log.size = 20;
    await runUntilQuiet(writer);
    Object.assign(registry.log, { size: 30, history: "fork" });
    await runUntilQuiet(writer);
    expect(writer.status().problems).toMatchObject([{ code: "LOG_CONTRADICTS_ANCHOR" }]);
    expect(registry.halted[0]).toBe("the log's root at 20 is not the anchored one");
    expect((await latest(registry.log.origin))[0]).toBe(20n);
  });
});

describe("health", () => {
  it("posts what changed, so that healthOf equals the registry", async () => {
    const registry = fakeRegistry(3);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(writer);
    for (const { token_id, health } of registry.devices) {
      expect(await reader().healthOf(token_id!)).toMatchObject({
        state: "healthy",
        cause: "none",
        since_ms: health.since_ms,
        assured_until_ms: null,
        evidence_hash: health.evidence_hash,
      });
    }
    const [device] = registry.devices;
    device!.health = {
      sequence: 2,
      state: "impaired",
      cause: "gpu_lost",
      since_ms: 1_700_000_100_000,
      evidence_hash: hash("sha256", "dropped", "hex"),
      assured_until_ms: 1_900_000_000_000,
    };
    await runUntilQuiet(writer);
    expect(await reader().healthOf(device!.token_id!)).toMatchObject({
      state: "impaired",
      cause: "gpu_lost",
      since_ms: 1_700_000_100_000,
      assured_until_ms: 1_900_000_000_000,
      evidence_hash: device!.health.evidence_hash,
    });
    expect(await reader().healthOf(99n)).toMatchObject({ state: "stale" });
  });

  it("posts a fleet root under which the contract finds every leaf", async () => {
    const registry = fakeRegistry(5);
    const { writer, store } = openBench({ deployment, view: registry.view, transport: transport() });
    await runUntilQuiet(writer);
    // The titles may have been found in more rounds than one: all change at once now.
    for (const device of registry.devices) device.health = { ...device.health, sequence: 2 };
    await runUntilQuiet(writer);
    const post = store.inState("done").findLast(({ kind }) => kind === "post");
    if (post?.kind !== "post") throw new Error("no post");
    const { transitions, fleet_root, fleet_size } = post.payload;
    expect([fleet_size, transitions.length]).toEqual([5, 5]);
    const hashes = transitions.map(fleetLeafHash);
    expect(fleetRoot(transitions)).toBe(fleet_root);
    for (const [i, leaf] of transitions.entries()) {
      const proof = inclusionProof(
        i,
        hashes.length,
        (level, at) => rootOf(hashes.slice(at << level, (at + 1) << level)),
        nodeHash,
      ).map((node) => toHex(node));
      const [state] = await client().readContract({
        address: deployment.health,
        abi: caliberHealthAbi,
        functionName: "healthOfProven",
        args: [abiLeaf(leaf), BigInt(i), proof],
      });
      expect(state).toBe(1);
    }
  });

  it("keeps the fleet alive by heartbeats and strictly growing epochs", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(1);
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      settings: { epoch_ms: 60_000 },
      now_ms: () => now_ms,
    });
    await runUntilQuiet(writer);
    const posts = () => store.inState("done").filter(({ kind }) => kind === "post");
    const before = posts().length;
    await runUntilQuiet(writer);
    expect(posts()).toHaveLength(before);
    now_ms += 31_000;
    await runUntilQuiet(writer);
    expect(posts()).toHaveLength(before + 1);
    const last = posts().at(-1)!;
    expect(last).toMatchObject({ kind: "post", payload: { transitions: [], fleet_size: 1 } });
    const [epoch] = await client().readContract({
      address: deployment.health,
      abi: caliberHealthAbi,
      functionName: "fleet",
    });
    expect(last.id).toBe(`post:${epoch}`);
  });
});

describe("records that run out", () => {
  it("are kept alive by one liveness word, once, and a change under it counts at once", async () => {
    let now_ms = Date.now();
    const registry = fakeRegistry(4);
    const { writer, store } = openBench({
      deployment,
      view: registry.view,
      transport: transport(),
      now_ms: () => now_ms,
    });
    const until = async () => (await reader().healthOf(1n)).valid_until_ms;
    const alive = (id: bigint) =>
      client().readContract({
        address: deployment.health,
        abi: caliberHealthAbi,
        functionName: "livenessOf",
        args: [id],
      });
    const later = async (ms: number) => {
      now_ms += ms;
      await anvil.rpc("evm_increaseTime", [ms / 1000]);
      await anvil.rpc("evm_mine");
      await runUntilQuiet(writer);
    };
    await runUntilQuiet(writer);
    expect(await alive(1n)).toBe(0n);
    await later(20 * 3_600_000);
    const posts = store.inState("done").flatMap((one) => (one.kind === "post" ? [one.payload] : []));
    const words = posts.flatMap(({ liveness }) => liveness?.words ?? []);
    expect(words).toEqual([`0x${"0".repeat(62)}1e`]);
    expect(posts.find(({ liveness }) => liveness !== undefined)?.transitions).toEqual([]);
    for (const { token_id } of registry.devices) {
      expect(Number(await alive(token_id!)) * 1000).toBeGreaterThan(now_ms + 25 * 3_600_000);
    }
    // Past what the records themselves say.
    await later(7 * 3_600_000);
    expect(await until()).toBeGreaterThan(now_ms);
    expect(await reader().healthOf(1n)).toMatchObject({ state: "healthy" });
    const lost = registry.devices.find(({ token_id }) => token_id === 1n)!;
    lost.health = { ...lost.health, sequence: 2, state: "lost", cause: "uncured" };
    await later(60_000);
    expect(await reader().healthOf(1n)).toMatchObject({ state: "lost" });
    expect(await reader().healthOf(2n)).toMatchObject({ state: "healthy" });
    expect(await alive(1n)).toBe(0n);
  });
});

describe("beacons", () => {
  it("records a block only when it is an interval newer", async () => {
    const registry = fakeRegistry(0);
    const { writer } = openBench({ deployment, view: registry.view, transport: transport() });
    await writer.step();
    await anvil.rpc("evm_increaseTime", [5]);
    await anvil.rpc("evm_mine");
    await writer.step();
    expect(registry.recorded).toHaveLength(1);
    await anvil.rpc("evm_increaseTime", [6]);
    await anvil.rpc("evm_mine");
    await writer.step();
    const head = await client().getBlock();
    expect(registry.recorded.at(-1)).toEqual({
      type: "beacon",
      number: Number(head.number),
      hash: head.hash,
      time_ms: Number(head.timestamp) * 1000,
    });
    expect(registry.recorded).toHaveLength(2);
  });
});
