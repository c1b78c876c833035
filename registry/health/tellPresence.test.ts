import { afterEach, describe, expect, it } from "vitest";
import { healthEventType, type PresenceEvent, presenceEventType } from "../../protocol/events/healthEvent.js";
import { syntheticInventory } from "../../test/support/syntheticFleet.js";
import { closeEvidenceBenches, type EvidenceBench, evidenceBench } from "../testing/evidenceBench.js";
import { healthPolicies } from "./policy.js";

const policy = healthPolicies.demo;
const { silicon_lapse_ms, presence_renew_ms } = policy;
afterEach(closeEvidenceBenches);

const presenceOf = (bench: EvidenceBench): PresenceEvent[] =>
  bench.events().filter((event): event is PresenceEvent => event.type === presenceEventType);

/** Time passes, and the device goes on reporting. */
async function reporting(bench: EvidenceBench, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    bench.pass(Math.min(left, 10_000) - 1000);
    await bench.report();
  }
}

describe("presence", () => {
  it("is told with the first good answer, under a sequence of its own and with the state as it was", async () => {
    const bench = await evidenceBench().ready();
    const before = bench.fold();
    const { since_ms, evidence, health_sequence } = before;
    expect(before.assured_until_ms).toBeNull();
    await bench.prove();
    const at_ms = bench.core.now_ms();
    expect(bench.fold()).toMatchObject({
      state: "healthy",
      cause: "none",
      since_ms,
      evidence,
      health_sequence: health_sequence + 1,
      assured_until_ms: at_ms + silicon_lapse_ms,
    });
    const [event, ...more] = presenceOf(bench);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      time: new Date(at_ms).toISOString(),
      sequence: String(health_sequence + 1).padStart(20, "0"),
      data: {
        device: bench.at(0).device.id,
        host: "h-0",
        simulated: true,
        assured_until_ms: at_ms + silicon_lapse_ms,
        evidence: bench.fold().silicon?.statement,
        assurance: { key: "software", identity: "silicon", presence_at_ms: at_ms },
      },
    });
    bench.expectRebuilt();
  });

  it("is told anew only once the answer told last is old enough", async () => {
    const bench = await evidenceBench().ready();
    await bench.prove();
    const told = bench.fold().assured_until_ms;
    const { health_sequence } = bench.fold();
    await reporting(bench, presence_renew_ms - 10_000);
    await bench.prove();
    expect(bench.fold()).toMatchObject({ assured_until_ms: told, health_sequence });
    await reporting(bench, 10_000);
    await bench.prove();
    const until_ms = bench.core.now_ms() + silicon_lapse_ms;
    expect(bench.fold().assured_until_ms).toBe(until_ms);
    expect(presenceOf(bench).map(({ data }) => data.assured_until_ms)).toEqual([told, until_ms]);
    bench.expectRebuilt();
  });

  it("goes with a step of health, and is then not told again", async () => {
    const bench = await evidenceBench().ready();
    await bench.prove();
    await reporting(bench, presence_renew_ms - 20_000);
    await bench.prove();
    const { at_ms } = bench.fold().silicon!;
    bench.pass(policy.stale_after_ms + 5000);
    expect(bench.fold()).toMatchObject({ state: "stale", assured_until_ms: at_ms + silicon_lapse_ms });
    await bench.report();
    await bench.prove();
    expect(bench.fold().assured_until_ms).toBe(at_ms + silicon_lapse_ms);
    expect(presenceOf(bench)).toHaveLength(1);
    bench.expectRebuilt();
  });

  it("is taken back when challenges have no answer, and told again with the next good one", async () => {
    const bench = await evidenceBench().ready();
    await bench.prove();
    for (let i = 0; i < policy.silicon_missed_max; i += 1) {
      bench.challenge();
      await reporting(bench, policy.challenge_answer_ms + 10_000);
    }
    expect(bench.core.now_ms()).toBeLessThan(bench.fold().silicon!.at_ms + silicon_lapse_ms);
    expect(bench.fold()).toMatchObject({ state: "healthy", assured_until_ms: null });
    expect(presenceOf(bench).at(-1)?.data).toMatchObject({
      assured_until_ms: null,
      evidence: expect.stringMatching(/^tick:[0-9]+$/),
      assurance: { identity: "declared" },
    });
    await bench.prove();
    expect(presenceOf(bench)).toHaveLength(3);
    expect(bench.fold().assured_until_ms).toBe(bench.core.now_ms() + silicon_lapse_ms);
    bench.expectRebuilt();
  });

  it("of a GPU that has not reported yet goes with its first step of health", async () => {
    const { bench } = evidenceBench();
    await bench.inventory(0, syntheticInventory("GPU-0"));
    await bench.prove();
    expect(bench.fold()).toMatchObject({ sequence: 0, assured_until_ms: null });
    await bench.report();
    const { at_ms } = bench.fold().silicon!;
    expect(bench.fold()).toMatchObject({ health_sequence: 1, assured_until_ms: at_ms + silicon_lapse_ms });
    expect(presenceOf(bench)).toEqual([]);
    bench.expectRebuilt();
  });

  it("lapses by time without a word: what the chain was told has run out there too", async () => {
    const bench = await evidenceBench().ready();
    await bench.prove();
    const { health_sequence, assured_until_ms } = bench.fold();
    await reporting(bench, silicon_lapse_ms + 10_000);
    expect(bench.fold()).toMatchObject({ health_sequence, assured_until_ms, silicon: { lapsed: true } });
    expect(presenceOf(bench)).toHaveLength(1);
    bench.expectRebuilt();
  });

  it("is not told by a log whose policy is from before, until another is in force", async () => {
    const bench = await evidenceBench().ready();
    const { presence_renew_ms: _, ...older } = policy;
    bench.core.ledger.add("policy", { name: "demo", values: older });
    await bench.prove();
    bench.pass(policy.stale_after_ms + 5000);
    await bench.report();
    expect(bench.fold().assured_until_ms).toBeNull();
    expect(new Set(bench.events().map(({ type }) => type))).toEqual(new Set([healthEventType]));
    bench.core.ledger.add("policy", { name: "demo", values: policy });
    await bench.prove();
    expect(presenceOf(bench)).toHaveLength(1);
    bench.expectRebuilt();
  });
});
