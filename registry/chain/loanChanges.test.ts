import type { TypedDataDefinition } from "viem";
import { afterAll, beforeAll, expect, it } from "vitest";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { titleRotationMessage } from "../../protocol/mint/titleRotationMessage.js";
import {
  borrower,
  controller,
  type LoanWorld,
  openLoanWorld,
  principal,
} from "../../test/support/loanWorld.js";
import { type TitleBench, titleBench } from "../../test/support/titleBench.js";
import { rebuild, tableDigests } from "../store/rebuild.js";
import { testDevice } from "../testing/testDevice.js";

let world: LoanWorld;
let bench: TitleBench;
beforeAll(async () => {
  world = await openLoanWorld({ accepted: ["healthy"], required_assurance: 0, needs_presence: false });
  bench = await titleBench(world);
});
afterAll(async () => {
  bench?.close();
  await world?.close();
});

const refused = (act: () => unknown, code: string) =>
  expect(async () => act()).rejects.toMatchObject({ code, disposition: "user" });

it("in the middle of a loan one GPU rotates its key and another is swapped out, and the same titles come back", async () => {
  const { desk, asked } = bench;
  const [swapped, kept] = [bench.host("GPU-0"), bench.host("GPU-1")];
  for (const host of [swapped, kept]) await host.begin();
  const ids = [await bench.mint(swapped), await bench.mint(kept)];
  const [rma, rotated] = ids as [bigint, bigint];
  await bench.settle();
  const terms = await world.terms(ids);
  await world.stage(terms);
  await world.originate(terms, await world.approval(terms));
  expect(await world.holderOf(rma)).toBe(world.router);

  const next = testDevice();
  await kept.rotate(next);
  await bench.step();
  const { rotation } = asked("rotation-request")!;
  const [old_signature, new_signature] = [kept.device, next].map(({ key }) =>
    signEs256(titleRotationMessage(rotation), key).toString("hex"),
  );
  await kept.say("rotate-title", { rotation, old_signature, new_signature });
  await bench.settle();
  expect((await world.titleOf(rotated)).deviceKeyHash).toBe(`0x${next.id}`);

  const standIn = bench.host("GPU-2");
  const token_id = String(rma);
  await refused(() => desk.order("99", standIn.device.id), "TOKEN_UNKNOWN");
  await refused(() => desk.order(token_id, "ab".repeat(32)), "DEVICE_UNKNOWN");
  await refused(() => desk.order(token_id, swapped.device.id), "REPLACEMENT_DONE");
  await refused(() => desk.order(token_id, kept.device.id), "DEVICE_ROTATED");
  await refused(() => desk.order(token_id, next.id), "DEVICE_TITLED");
  await refused(() => desk.status(token_id), "REPLACEMENT_NONE");
  const early = desk.order(token_id, standIn.device.id);
  expect(early).toMatchObject({ waits_for: "remedy", why: { code: "INVENTORY_MISSING" } });
  await refused(() => desk.order(token_id, standIn.device.id), "REPLACEMENT_ORDERED");
  await standIn.begin();
  expect(desk.status(token_id)).toMatchObject({ waits_for: "writer", why: null, consenter: null });
  await bench.step();
  expect(asked("mint-request")).toBeUndefined();
  expect(desk.status(token_id)).toMatchObject({
    waits_for: "device",
    former: swapped.device.id,
    consenter: { address: controller.address, by_contract: false },
  });
  await refused(() => desk.consent(token_id, "0x00"), "CONSENT_EARLY");
  await standIn.standIn(asked("replacement-request")!.replacement);
  await bench.step();
  const { typed_data, waits_for } = desk.status(token_id);
  expect(waits_for).toBe("consent");
  const data = typed_data as unknown as TypedDataDefinition;
  const foreign = await borrower.signTypedData(data);
  await refused(() => desk.consent(token_id, foreign), "CONSENT_NOT_CONSENTERS");
  const given = await desk.consent(token_id, await controller.signTypedData(data));
  expect(given).toMatchObject({ waits_for: "chain", consented: true });

  // Before the chain has it: what was signed is in the database.
  bench.restart();
  await bench.step();
  await bench.settle();
  await refused(() => desk.cancel(token_id), "REPLACEMENT_NONE");
  expect(await world.titleOf(rma)).toMatchObject({
    deviceKeyHash: `0x${standIn.device.id}`,
    weakIdentity: `0x${weakIdentityOf("GPU-2")}`,
  });
  const { core } = bench.registry();
  expect(core.fold(standIn.device).token).toMatchObject({ token_id });
  expect(core.fold(swapped.device)).toMatchObject({ token: null, replaced_by: standIn.device.id });
  expect(await Promise.all(ids.map(world.stateOf))).toEqual([1, 1]);

  await world.repay(terms, principal);
  for (const id of ids) expect(await world.holderOf(id)).toBe(borrower.address.toLowerCase());
  core.settle();
  const live = tableDigests(core.db);
  expect(rebuild(core.db).digests).toEqual(live);
});

it("a GPU that had got a title of its own stands in under another key, once that title is redeemed", async () => {
  const { desk, asked } = bench;
  const [lender, hasty] = [bench.host("GPU-8"), bench.host("GPU-9")];
  for (const host of [lender, hasty]) await host.begin();
  const [token, own] = [await bench.mint(lender), await bench.mint(hasty)];
  await bench.settle();
  await refused(() => desk.order(String(token), hasty.device.id), "DEVICE_TITLED");
  await world.redeem(borrower, own);
  await hasty.say("retire", { reason: "got a title of its own" });
  await refused(() => desk.order(String(token), hasty.device.id), "DEVICE_TITLED");
  const again = bench.host("GPU-9");
  desk.order(String(token), again.device.id);
  await again.begin();
  await bench.step();
  const { replacement } = asked("replacement-request")!;
  expect(replacement).toMatchObject({ device_key_hash: `0x${again.device.id}`, predecessor: String(own) });
  await again.standIn(replacement);
  await bench.step();
  const data = desk.status(String(token)).typed_data as unknown as TypedDataDefinition;
  await desk.consent(String(token), await controller.signTypedData(data));
  await bench.step();
  await bench.settle();
  expect((await world.titleOf(token)).deviceKeyHash).toBe(`0x${again.device.id}`);
  expect(bench.registry().core.fold(again.device).token).toMatchObject({ token_id: String(token) });
});
