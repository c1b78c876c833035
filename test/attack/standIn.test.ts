import type { TypedDataDefinition } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { TitleReplacement } from "../../protocol/report/schema.js";
import { rebuild, tableDigests } from "../../registry/store/rebuild.js";
import { testDevice } from "../../registry/testing/testDevice.js";
import { borrower, controller, type LoanWorld, openLoanWorld } from "../support/loanWorld.js";
import { type TitleBench, type TitleHost, titleBench } from "../support/titleBench.js";

let world: LoanWorld;
let bench: TitleBench;
/** Whose title it is, who is ordered to stand in, and somebody else's GPU. */
let [pledged, next, rogue] = [] as unknown as [TitleHost, TitleHost, TitleHost];
let token: bigint;
let snapshot: unknown;
beforeAll(async () => {
  world = await openLoanWorld({ accepted: ["healthy"], required_assurance: 0, needs_presence: false });
});
afterAll(() => world?.close());
beforeEach(async () => {
  snapshot = await world.anvil.rpc("evm_snapshot");
  bench = await titleBench(world);
  pledged = bench.host("GPU-pledged");
  await pledged.begin();
  token = await bench.mint(pledged);
  await bench.settle();
  [next, rogue] = [bench.host("GPU-next"), bench.host("GPU-rogue")];
});
/** Whatever was tried, the log says it all. */
afterEach(async () => {
  const { core } = bench.registry();
  core.settle();
  const live = tableDigests(core.db);
  expect(rebuild(core.db).digests).toEqual(live);
  bench.close();
  await world.anvil.rpc("evm_revert", [snapshot]);
});

const coded = (code: string) => expect.objectContaining({ code });
const status = () => bench.desk.status(String(token));
const typed = () => status().typed_data as unknown as TypedDataDefinition;
const intents = () => {
  const { intents: store } = bench.registry();
  return store
    .inState("wanted", "signed", "mined", "done", "failed", "obsolete")
    .filter(({ kind }) => kind === "replace");
};
/** The order, and what the device was asked to sign for it. */
async function ordered(): Promise<TitleReplacement> {
  bench.desk.order(String(token), next.device.id);
  await next.begin();
  await bench.step();
  return bench.asked("replacement-request")!.replacement;
}
async function untouched(): Promise<void> {
  for (const _round of [0, 1, 2]) await bench.step();
  expect(intents()).toEqual([]);
  expect((await world.titleOf(token)).deviceKeyHash).toBe(`0x${pledged.device.id}`);
  expect(bench.registry().core.fold(pledged.device).token).toMatchObject({ token_id: String(token) });
}

it("a GPU that stands in behind a title without being told to", async () => {
  const asked = await ordered();
  await next.standIn(asked);
  await bench.step();
  bench.desk.cancel(String(token));
  // Now it has good words to sign, and nobody's order.
  await next.standIn(asked);
  await untouched();
});

it("another GPU than was ordered, with the words that were meant for the ordered one", async () => {
  const asked = await ordered();
  await rogue.say("replace-title", { replacement: asked, signature: "11".repeat(64) });
  await rogue.standIn(asked);
  await rogue.standIn({ ...asked, device_key_hash: `0x${rogue.device.id}` });
  await untouched();
  expect(status().waits_for).toBe("device");
});

it("a stand-in that signs better terms than it was asked to", async () => {
  const asked = await ordered();
  const changes: Partial<TitleReplacement>[] = [
    { assurance: 3 },
    { header_hash: `0x${"12".repeat(32)}` },
    { strong_identity: `0x${"34".repeat(32)}` },
    { weak_identity: `0x${"56".repeat(32)}` },
    { token_id: String(token + 1n) },
    { deadline: String(Number(asked.deadline) + 365 * 86_400) },
    { deadline: "1" },
  ];
  for (const change of changes) {
    await next.standIn({ ...asked, ...change });
    await bench.step();
    expect(status(), JSON.stringify(change)).toMatchObject({ waits_for: "device", typed_data: null });
  }
  await next.standIn(asked, testDevice());
  await bench.step();
  expect(status().waits_for).toBe("device");
  await untouched();
});

it("a borrower that consents in its lender's place", async () => {
  await next.standIn(await ordered());
  await bench.step();
  const own = await borrower.signTypedData(typed());
  await expect(bench.desk.consent(String(token), own)).rejects.toEqual(coded("CONSENT_NOT_CONSENTERS"));
  await untouched();
  // Past the command, by who can write the database: the contract asks the same.
  const { core } = bench.registry();
  core.db.prepare("UPDATE replacement_order SET consent = ?").run(own);
  for (const _round of [0, 1, 2]) await bench.step();
  expect(status().why).toEqual(coded("CONSENT_INVALID"));
  expect((await world.titleOf(token)).deviceKeyHash).toBe(`0x${pledged.device.id}`);
});

it("a consent to one GPU, used for another", async () => {
  await next.standIn(await ordered());
  await bench.step();
  const consent = await controller.signTypedData(typed());
  bench.desk.cancel(String(token));
  bench.desk.order(String(token), rogue.device.id);
  await rogue.begin();
  await bench.step();
  await rogue.standIn(bench.asked("replacement-request")!.replacement);
  await bench.step();
  expect(status()).toMatchObject({ device: rogue.device.id, waits_for: "consent" });
  await expect(bench.desk.consent(String(token), consent)).rejects.toEqual(coded("CONSENT_NOT_CONSENTERS"));
  await untouched();
});

it("a GPU that was swapped out, and would have its title back or another one", async () => {
  await next.standIn(await ordered());
  await bench.step();
  await bench.desk.consent(String(token), await controller.signTypedData(typed()));
  await bench.settle();
  expect((await world.titleOf(token)).deviceKeyHash).toBe(`0x${next.device.id}`);
  await pledged.begin();
  await pledged.standIn({
    ...bench.asked("replacement-request")!.replacement,
    device_key_hash: `0x${pledged.device.id}`,
  });
  await bench.settle();
  expect(bench.asked("mint-request")).toBeUndefined();
  expect(() => bench.desk.order(String(token), pledged.device.id)).toThrow(coded("DEVICE_REPLACED"));
  expect(bench.registry().core.fold(pledged.device)).toMatchObject({ token: null });
  // Nor under another key, which the contract has never seen: that one waits for an order.
  const later = testDevice();
  await pledged.rotate(later);
  await pledged.begin();
  await bench.settle();
  expect(bench.asked("mint-request")).toBeUndefined();
  expect(bench.registry().core.fold(later)).toMatchObject({ token: null });
  expect(() => bench.desk.order(String(token), pledged.device.id)).toThrow(coded("DEVICE_ROTATED"));
  expect((await world.titleOf(token)).deviceKeyHash).toBe(`0x${next.device.id}`);
});
