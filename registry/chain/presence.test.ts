import { generateKeyPairSync } from "node:crypto";
import { BaseError, ContractFunctionRevertedError, type Hex } from "viem";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { caliberGateAbi } from "../../contracts-abi/abi/CaliberGate.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { type LoanWorld, newGpu, openLoanWorld } from "../../test/support/loanWorld.js";
import { loanDigest } from "../approval/gateApproval.js";
import { createRegistryView } from "../createRegistryView.js";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import { healthPolicies } from "../health/policy.js";
import { createDownlink } from "../ingest/downlink.js";
import { createCheckpointer } from "../log/checkpointer.js";
import { createReplacementOrders } from "../replacement/replacementOrders.js";
import { createMeta } from "../store/meta.js";
import { closeEvidenceBenches, evidenceBench } from "../testing/evidenceBench.js";
import { registryKey, testOrigin } from "../testing/openCore.js";
import { chainTransport } from "./chainTransport.js";
import { openBench, runUntilQuiet } from "./testing/writerBench.js";

const { silicon_lapse_ms, silicon_missed_max, challenge_answer_ms, presence_renew_ms } = healthPolicies.demo;

let world: LoanWorld;
beforeAll(async () => {
  world = await openLoanWorld({ accepted: ["healthy"], required_assurance: 2, needs_presence: true });
});
afterEach(closeEvidenceBenches);
afterAll(() => world?.close());

/** What the gate says in the newest block: "accepted", or its error with the arguments. */
async function gateOn(terms: LoanTerms, signature: Hex): Promise<string> {
  const { chain_id, gate } = world.deployment;
  const digest = loanDigest({ chain_id, gate, router: world.router }, world.hashOf(terms));
  try {
    const args = [digest, signature] as const;
    await world.client.readContract({
      address: gate,
      abi: caliberGateAbi,
      functionName: "isValidSignature",
      args,
    });
    return "accepted";
  } catch (error) {
    const revert =
      error instanceof BaseError && error.walk((at) => at instanceof ContractFunctionRevertedError);
    if (!(revert instanceof ContractFunctionRevertedError)) throw error;
    return `${revert.data?.errorName}(${revert.data?.args?.join(", ")})`;
  }
}

it("a gate that needs presence takes a loan while the GPU's answer counts, by the registry's own posts", async () => {
  const bench = await evidenceBench(1, [], (await world.now_s()) * 1000).ready();
  const { core } = bench;
  const { device } = bench.at(0);
  const spki = spkiOf(device.key);
  const titled = await world.mint({
    ...newGpu("present"),
    key: device.key,
    device: `0x${device.id}`,
    x: `0x${spki.subarray(27, 59).toString("hex")}`,
    y: `0x${spki.subarray(59).toString("hex")}`,
  });
  const { chain_id, token: contract } = world.deployment;
  core.ledger.add("chain", {
    type: "minted",
    device: device.id,
    chain_id,
    contract,
    token_id: String(titled.token_id),
    tx: `0x${"00".repeat(32)}`,
    block: 1,
  });
  core.settle();

  const view = createRegistryView({
    devices: () => core.projector.fleet.devices.values(),
    findDevice: () => core.fold(device),
    directory: core.directory,
    log: core.log,
    ledger: core.ledger,
    checkpointer: createCheckpointer(
      core.db,
      core.log,
      testOrigin,
      generateKeyPairSync("ed25519").privateKey,
    ),
    downlink: createDownlink({
      meta: createMeta(core.db),
      key: registryKey,
      keyid: "",
      now_ms: core.now_ms,
      transmit: () => undefined,
    }),
    orders: createReplacementOrders(core.db),
    isRevoked: () => false,
    now_ms: core.now_ms,
    onChain: () => undefined,
  });
  const { writer } = openBench({
    deployment: world.deployment,
    view,
    transport: chainTransport(world.anvil.url),
    now_ms: core.now_ms,
    // What an anchor or a beacon puts into the log would be anchored in turn, and never be quiet.
    settings: { beacon_interval_ms: 1e12, anchor_interval_ms: 1e15 },
  });
  /** The registry's time and the chain's go on together, with a report every 10 s, and then the writer has its turn. */
  async function pass(ms: number): Promise<void> {
    const before_ms = core.now_ms();
    for (let left = ms; left > 0; left -= 10_000) {
      bench.pass(9_000);
      await bench.report();
    }
    await catchUp(before_ms);
  }
  async function catchUp(before_ms: number): Promise<void> {
    await world.later(Math.ceil((core.now_ms() - before_ms) / 1000));
    await runUntilQuiet(writer);
  }
  async function prove(): Promise<void> {
    const before_ms = core.now_ms();
    await bench.prove();
    await catchUp(before_ms);
  }
  const until_s = () => Math.floor(core.fold(device).assured_until_ms! / 1000);
  const stale = (assured_s: number) => `AssuranceStale(${titled.token_id}, ${assured_s})`;

  const terms = await world.terms([titled.token_id]);
  await world.stage(terms);
  await runUntilQuiet(writer);
  const signature = await world.approval(terms);
  expect(await gateOn(terms, signature)).toBe(stale(0));

  await prove();
  expect(await gateOn(terms, signature)).toBe("accepted");

  // Renewed before it runs out: past the first answer's time the second counts.
  await pass(presence_renew_ms);
  await prove();
  await pass(silicon_lapse_ms - presence_renew_ms);
  expect(await gateOn(terms, signature)).toBe("accepted");

  // By time, while health goes on being good.
  const lapsed_s = until_s();
  await pass(silicon_lapse_ms);
  expect(await world.stateOf(titled.token_id)).toBe(1);
  expect(await gateOn(terms, signature)).toBe(stale(lapsed_s));

  // By challenges without an answer, before its time.
  await prove();
  expect(await gateOn(terms, signature)).toBe("accepted");
  for (let i = 0; i < silicon_missed_max; i += 1) {
    bench.challenge();
    await pass(challenge_answer_ms + 10_000);
  }
  expect(core.now_ms()).toBeLessThan(core.fold(device).silicon!.at_ms + silicon_lapse_ms);
  expect(await gateOn(terms, signature)).toBe(stale(0));

  await prove();
  await world.originate(terms, signature);
  expect(await world.statusOf(terms)).toBe(1);
  expect(writer.status().problems).toEqual([]);
}, 60_000);
