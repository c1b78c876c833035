import { afterEach, beforeEach, expect, it } from "vitest";
import { type AttackSystem, attackSystem } from "../test/attack/support/attackSystem.js";
import { busyTelemetry, inventoryOf } from "../test/support/testReports.js";
import { until } from "../test/support/until.js";
import { decideDispute } from "./decideDispute.js";

let system: AttackSystem;
beforeEach(async () => {
  system = await attackSystem();
});
/** Fails when a rebuild from the log gives other tables. */
afterEach(() => system.close());

const coded = (code: string) => expect.objectContaining({ code });
const decisionFor = (device: string) =>
  ({
    data_dir: system.data_dir,
    device,
    outcome: "cleared",
    by: "A. Clerk",
    reason: "key lost, GPU seen on site",
    now_ms: system.now_ms,
  }) as const;
const twoOfOne = async () => {
  const [first, second] = [await system.host("first"), await system.host("second")];
  for (const { devices } of [first, second]) {
    await devices[0]!.say("inventory", inventoryOf("GPU-a"));
    await devices[0]!.say("telemetry", { ...busyTelemetry, present_ms: 1000 });
  }
  await system.settled();
  return { lost: first.devices[0]!, back: second.devices[0]! };
};

it("a running registry decides at once: a GPU whose key was lost is its new key's", async () => {
  const { lost, back } = await twoOfOne();
  expect(system.fold(back.id).dispute).toBe("identity_taken");
  await expect(decideDispute(decisionFor("00".repeat(32)))).rejects.toEqual(coded("DEVICE_UNKNOWN"));
  await expect(decideDispute(decisionFor(lost.id))).rejects.toEqual(coded("DISPUTE_NONE"));

  await decideDispute(decisionFor(back.id));
  await system.settled();
  expect(system.fold(back.id)).toMatchObject({ dispute: null });
  expect(system.fold(lost.id)).toMatchObject({ state: "disputed", dispute: "identity_taken" });
  expect((await system.found(back.id, "DISPUTE_DECIDED")).text).toContain("A. Clerk: key lost");
  await back.say("inventory", inventoryOf("GPU-a"));
  await system.settled();
  expect(system.fold(back.id).dispute).toBeNull();
  await expect(decideDispute(decisionFor(back.id))).rejects.toEqual(coded("DISPUTE_NONE"));
}, 30_000);

it("of a registry that does not run the log is written, and it goes on from there", async () => {
  const { back } = await twoOfOne();
  await system.whileStopped(() => decideDispute(decisionFor(back.id)));
  await until("the decision", 8000, () => system.fold(back.id).dispute === null);
}, 30_000);
