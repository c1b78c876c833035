import Database from "better-sqlite3";
import pino from "pino";
import { encodeFunctionData, type Hex, keccak256, toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { healthStates } from "../../protocol/health/healthState.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import { type ChainWriter, createChainWriter } from "./chainWriter.js";
import type { Deployment } from "./deployment.js";
import { fleetRoot } from "./fleetRoot.js";
import type { HealthLeaf } from "./intent.js";
import { sendFromAccount } from "./sendFromAccount.js";
import { type FakeRegistry, fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { type CoSignerProcess, startCoSigner } from "./testing/startCoSigner.js";
import { account, deployTo, runUntilQuiet } from "./testing/writerBench.js";

const second = privateKeyToAccount(`0x${"5a".repeat(32)}`);
const third = privateKeyToAccount(`0x${"a5".repeat(32)}`);
const stranger = privateKeyToAccount(`0x${"77".repeat(32)}`);

let anvil: Anvil;
let deployment: Deployment;
let now_ms: number;
let registry: FakeRegistry;
let two: CoSignerProcess;
let three: CoSignerProcess;
let writer: ChainWriter;

const client = () => chainClient(chainTransport(anvil.url));

async function setAttestors(attestors: Hex[], threshold: number): Promise<void> {
  const role = keccak256(toHex("QUORUM_ROLE"));
  const calls = [
    encodeFunctionData({ abi: caliberHealthAbi, functionName: "grantRole", args: [role, account.address] }),
    encodeFunctionData({ abi: caliberHealthAbi, functionName: "setAttestors", args: [attestors, threshold] }),
  ];
  for (const data of calls) await sendFromAccount(client(), account, { to: deployment.health, data });
}

const open = (attestors: [Hex, string][], db = new Database(":memory:")) =>
  createChainWriter({
    db,
    endpoints: [{ name: "node", transport: chainTransport(anvil.url) }],
    deployment,
    account,
    co_signers: attestors.map(([attestor, url]) => ({ attestor, url })),
    view: registry.view,
    log: pino({ level: "silent" }),
    now_ms: () => now_ms,
    settings: { anchor_interval_ms: 0, stuck_ms: 3_600_000 },
  });

const bothSigners = (): [Hex, string][] => [
  [second.address, two.url],
  [third.address, three.url],
];
const problems = () =>
  writer
    .status()
    .problems.map(({ code, subject }) => `${code} ${subject.toLowerCase()}`)
    .sort();
const missing = () => `CHAIN_QUORUM_MISSING ${deployment.health}`;

async function posts(): Promise<{ epoch: number; signers: string[] }[]> {
  const logs = await client().getContractEvents({
    address: deployment.health,
    abi: caliberHealthAbi,
    eventName: "EpochPosted",
    fromBlock: 0n,
    strict: true,
  });
  return Promise.all(
    logs.map(async ({ args: { epoch }, transactionHash }) => {
      const { input } = await client().getTransaction({ hash: transactionHash });
      // `prove` and `post` are the only calls here, and attestors' addresses stand in a post's last argument.
      const signers = [account, second, third]
        .map(({ address }) => address.toLowerCase())
        .filter((address) => input.includes(address.slice(2)));
      return { epoch, signers };
    }),
  );
}

async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await writer.step();
}

beforeAll(async () => {
  anvil = await startAnvil();
});
afterAll(() => anvil.kill());
beforeEach(async () => {
  now_ms = Date.now();
  deployment = await deployTo(anvil.url);
  registry = fakeRegistry(1);
  two = await startCoSigner(second);
  three = await startCoSigner(third);
  await setAttestors([account.address, second.address, third.address], 2);
});
afterEach(async () => {
  await writer.stop();
  await two.stop();
  await three.stop();
});

describe("a quorum of two of three", () => {
  it("is the writer's signature and another's; the leaves that are signed for go along", async () => {
    writer = open(bothSigners());
    await runUntilQuiet(writer);
    expect(problems()).toEqual([]);
    const [post, ...others] = await posts();
    expect(others).toEqual([]);
    expect(post?.signers).toHaveLength(2);
    expect(post?.signers).toContain(account.address.toLowerCase());
    const reader = createChainReader(chainTransport(anvil.url), deployment);
    expect(await reader.healthOf(1n)).toMatchObject({ state: "healthy" });
    const { message, primaryType } = [...two.asked, ...three.asked][0]!;
    expect(primaryType).toBe("EpochPost");
    const leaves = message.transitions as HealthLeaf[];
    expect(leaves.map(({ token_id }) => token_id)).toEqual(["1"]);
    expect(fleetRoot(leaves)).toBe(message.fleetRoot);
  });

  it("is reached without one that stalls, which is asked no second time meanwhile", async () => {
    two.mood = "stalls";
    writer = open(bothSigners());
    await runUntilQuiet(writer);
    const low = [account.address, third.address].map((address) => address.toLowerCase());
    expect((await posts()).map(({ signers }) => signers.sort())).toEqual([low.sort()]);
    registry.devices[0]!.health = { ...registry.devices[0]!.health, sequence: 2, state: "lost" };
    await runUntilQuiet(writer);
    expect(await posts()).toHaveLength(2);
    expect(two.asked).toHaveLength(1);
  });

  it("is told of a wrong key, and reached without it", async () => {
    two.account = stranger;
    writer = open(bothSigners());
    await runUntilQuiet(writer);
    expect(await posts()).toHaveLength(1);
    expect(problems()).toEqual([`COSIGNER_WRONG ${second.address.toLowerCase()}`]);
    two.account = second;
    now_ms += 31_000;
    three.mood = "refuses";
    registry.devices[0]!.health = { ...registry.devices[0]!.health, sequence: 2, state: "lost" };
    await runUntilQuiet(writer);
    expect(await posts()).toHaveLength(2);
    expect(problems()).not.toContain(`COSIGNER_WRONG ${second.address.toLowerCase()}`);
  });

  it.each<[string, string]>([
    ["refuses", "COSIGNER_WRONG"],
    ["babbles", "COSIGNER_WRONG"],
    ["chatters", "COSIGNER_DOWN"],
    ["shows a page", "COSIGNER_DOWN"],
  ])(
    "waits while one is away and the other %s, then posts once; mints and anchors go on",
    async (mood, code) => {
      two.mood = mood as CoSignerProcess["mood"];
      await three.stop();
      registry.log.size = 3;
      writer = open(bothSigners());
      await rounds(6);
      expect(problems()).toEqual(
        [
          missing(),
          `${code} ${second.address.toLowerCase()}`,
          `COSIGNER_DOWN ${third.address.toLowerCase()}`,
        ].sort(),
      );
      expect(writer.status()).toMatchObject({ fault: null, rpc: { state: "ok" }, intents: { wanted: 1 } });
      expect(registry.recorded.map(({ type }) => type)).toEqual(
        expect.arrayContaining(["minted", "anchored"]),
      );
      expect(await posts()).toEqual([]);
      expect(two.asked).toHaveLength(1);
      await three.start();
      now_ms += 31_000;
      await runUntilQuiet(writer);
      expect(await posts()).toHaveLength(1);
      expect(problems()).not.toContain(missing());
      expect(problems()).not.toContain(`COSIGNER_DOWN ${third.address.toLowerCase()}`);
    },
  );

  it("is waited for over a restart, and a post that waits says what holds now", async () => {
    two.mood = "refuses";
    three.mood = "refuses";
    const db = new Database(":memory:");
    writer = open(bothSigners(), db);
    await rounds(5);
    expect(problems()).toContain(missing());
    await writer.stop();
    writer = open(bothSigners(), db);
    await rounds(2);
    const [first] = two.asked;
    expect(two.asked).toEqual([first, first]);
    const [device] = registry.devices;
    device!.health = { ...device!.health, sequence: 2, state: "lost" };
    now_ms += 31_000;
    await rounds(1);
    const leaves = (at: number) => two.asked[at]!.message.transitions as HealthLeaf[];
    expect(two.asked).toHaveLength(3);
    expect(leaves(0)).toMatchObject([{ sequence: 1, state: healthStates.healthy }]);
    expect(leaves(2)).toMatchObject([{ sequence: 2, state: healthStates.lost }]);
    expect(leaves(2)[0]!.valid_until_s).toBeGreaterThan(leaves(0)[0]!.valid_until_s + 28);
    expect(writer.status().intents.wanted).toBe(1);
    now_ms += 4 * 3_600_000;
    await anvil.rpc("evm_increaseTime", [4 * 3_600]);
    await anvil.rpc("evm_mine");
    two.mood = "signs";
    await runUntilQuiet(writer);
    const made = await posts();
    expect(made).toHaveLength(1);
    expect(made[0]!.epoch).toBeGreaterThan(Number(first!.message.epoch));
    const reader = createChainReader(chainTransport(anvil.url), deployment);
    expect(await reader.healthOf(1n)).toMatchObject({ state: "lost" });
  });

  it("tells that too few can be asked, and whom the contract does not count", async () => {
    writer = open([[stranger.address, two.url]]);
    await rounds(5);
    expect(problems()).toEqual([missing(), `COSIGNER_UNKNOWN ${stranger.address.toLowerCase()}`].sort());
    expect(two.asked).toEqual([]);
    await setAttestors([account.address], 1);
    await runUntilQuiet(writer);
    expect(await posts()).toHaveLength(1);
    expect(problems()).not.toContain(missing());
  });

  it("takes signatures in the contract's order from a writer that is no attestor itself", async () => {
    await setAttestors([third.address, second.address], 2);
    writer = open(bothSigners());
    await runUntilQuiet(writer);
    expect((await posts()).map(({ signers }) => signers.length)).toEqual([2]);
  });
});

describe("an attestor that is a contract", () => {
  /** Answers isValidSignature with the magic value when the signature is 2 bytes long, and with nothing else. */
  const wallet = "0x00000000000000000000000000000000000051a1";

  it("is asked by ERC-1271, as the contract will", async () => {
    // calldata: selector, hash, offset, length at 0x44. Returns magic << 224 if the length is 2, else reverts.
    const code = `0x604435600214601057${"5f5ffd"}${"00".repeat(4)}5b631626ba7e60e01b5f5260205ff3`;
    await anvil.rpc("anvil_setCode", [wallet, code]);
    await setAttestors([account.address, wallet], 2);
    two.mood = "signs";
    writer = open([[wallet, two.url]]);
    await rounds(5);
    expect(problems()).toEqual([missing(), `COSIGNER_WRONG ${wallet}`].sort());
    two.mood = "babbles";
    now_ms += 31_000;
    await runUntilQuiet(writer);
    expect(await posts()).toHaveLength(1);
    expect(problems()).toEqual([]);
  });

  const magicWord = "631626ba7e60e01b";
  const returnTop = "5f5260205ff3";
  /** Says yes where the EVM's `op` (33: who calls, 32: whose transaction it is) is CaliberHealth, and else answers zero. */
  const onlyFor = (op: string) => `0x73${deployment.health.slice(2)}${op}14${magicWord}02${returnTop}`;

  it("is asked in CaliberHealth's name", async () => {
    await anvil.rpc("anvil_setCode", [wallet, onlyFor("33")]);
    await setAttestors([account.address, wallet], 2);
    writer = open([[wallet, two.url]]);
    await runUntilQuiet(writer);
    expect(await posts()).toHaveLength(1);
  });

  it("has not signed when it answers more than the magic value", async () => {
    await anvil.rpc("anvil_setCode", [wallet, `0x7f1626ba7e${"11".repeat(28)}${returnTop}`]);
    await setAttestors([account.address, wallet, third.address], 2);
    writer = open([
      [wallet, two.url],
      [third.address, three.url],
    ]);
    await runUntilQuiet(writer);
    expect((await posts()).map(({ signers }) => signers)).toEqual([
      [account.address, third.address].map((address) => address.toLowerCase()),
    ]);
    expect(problems()).toEqual([`COSIGNER_WRONG ${wallet}`]);
  });

  it("is told of when only the contract finds that it has not signed, and others stand in", async () => {
    await anvil.rpc("anvil_setCode", [wallet, onlyFor("32")]);
    await setAttestors([account.address, wallet, third.address], 2);
    three.mood = "refuses";
    writer = open([
      [wallet, two.url],
      [third.address, three.url],
    ]);
    await rounds(5);
    expect(problems()).toEqual(
      [missing(), `COSIGNER_WRONG ${wallet}`, `COSIGNER_WRONG ${third.address.toLowerCase()}`].sort(),
    );
    expect(writer.status().intents).toMatchObject({ wanted: 1, failed: 0 });
    three.mood = "signs";
    now_ms += 31_000;
    await runUntilQuiet(writer);
    expect((await posts()).map(({ signers }) => signers)).toEqual([
      [account.address, third.address].map((address) => address.toLowerCase()),
    ]);
  });
});
