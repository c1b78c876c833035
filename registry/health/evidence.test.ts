import { afterEach, describe, expect, it } from "vitest";
import { pemOf } from "../../protocol/evidence/testing/syntheticDevice.js";
import type { EvidenceReport } from "../../protocol/report/schema.js";
import { syntheticInventory } from "../../test/support/syntheticFleet.js";
import {
  closeEvidenceBenches,
  type EvidenceBench,
  gpu,
  evidenceBench as open,
  otherGpu,
} from "../testing/evidenceBench.js";
import { healthPolicies } from "./policy.js";
import { assuranceOf } from "./raise.js";

const policy = healthPolicies.demo;
afterEach(closeEvidenceBenches);

const decide = (bench: EvidenceBench, i: number, outcome: "cleared" | "upheld"): void => {
  const device = bench.at(i).device.id;
  const body = { device, at_ms: bench.core.now_ms(), outcome, by: "A. Clerk", reason: "seen" };
  bench.core.ledger.add("decision", body);
  bench.core.settle();
};
const clear = (bench: EvidenceBench, i: number): void => decide(bench, i, "cleared");

describe("a dispute about silicon that is decided", () => {
  it("stays decided when the two have UUIDs of their own, whichever is asked first", async () => {
    const bench = await open(2).ready();
    await bench.prove(0);
    await bench.prove(1);
    clear(bench, 1);
    expect(bench.fold(1)).toMatchObject({ state: "healthy", dispute: null, challenge_wanted: true });
    expect(bench.fold(0)).toMatchObject({ state: "disputed", cause: "identity_taken", silicon: null });
    // The GPU has to be shown again before it counts.
    expect([bench.identity(0), bench.identity(1)]).toEqual(["declared", "declared"]);
    await bench.prove(0);
    expect(bench.identity(0)).toBe("declared");
    await bench.prove(1);
    await bench.prove(0);
    expect([bench.identity(0), bench.identity(1)]).toEqual(["declared", "silicon"]);
    expect([bench.fold(0).dispute, bench.fold(1).dispute]).toEqual(["identity_taken", null]);
    bench.expectRebuilt();
  });

  it("may be decided the other way again", async () => {
    const bench = await open(2).ready();
    await bench.prove(0);
    await bench.prove(1);
    clear(bench, 1);
    clear(bench, 0);
    await bench.prove(1);
    await bench.prove(0);
    expect([bench.identity(0), bench.identity(1)]).toEqual(["silicon", "declared"]);
    expect([bench.fold(0).dispute, bench.fold(1).dispute]).toEqual([null, "identity_taken"]);
    bench.expectRebuilt();
  });

  it("stays decided when the loser of a UUID shows the silicon first", async () => {
    const same = syntheticInventory("GPU-same");
    const bench = await open(2, [same, same]).ready();
    clear(bench, 1);
    await bench.prove(0);
    expect(bench.identity(0)).toBe("silicon");
    await bench.prove(1);
    expect([bench.identity(0), bench.identity(1)]).toEqual(["declared", "silicon"]);
    expect([bench.fold(0).dispute, bench.fold(1).dispute]).toEqual(["identity_taken", null]);
    bench.expectRebuilt();
  });

  it("lets a key go over to the silicon that it showed, also when another device held it", async () => {
    const bench = await open(2).ready();
    await bench.prove(0);
    await bench.prove(1, otherGpu);
    await bench.prove(0, otherGpu);
    expect(bench.fold(0).dispute).toBe("identity_changed");
    clear(bench, 0);
    await bench.prove(1, otherGpu);
    await bench.prove(0, otherGpu);
    expect([bench.identity(0), bench.identity(1)]).toEqual(["silicon", "declared"]);
    expect([bench.fold(0).dispute, bench.fold(1).dispute]).toEqual([null, "identity_taken"]);
    bench.expectRebuilt();
  });
});

describe("a third key, with a UUID of its own making, that shows silicon in dispute", () => {
  const same = syntheticInventory("GPU-same");
  const cases: [string, (bench: EvidenceBench) => void, rightful: number, other: number][] = [
    ["while nobody has decided", () => undefined, 0, 1],
    ["when the dispute is upheld", (bench) => decide(bench, 1, "upheld"), 0, 1],
    ["when the GPU is another device's by a decision", (bench) => clear(bench, 1), 1, 0],
  ];
  it.each(cases)(
    "ends no dispute %s, and its GPU goes to who has the UUID",
    async (_, settle, rightful, other) => {
      const bench = await open(3, [same, same]).ready();
      settle(bench);
      await bench.prove(other);
      expect([bench.fold(other).dispute, bench.identity(other)]).toEqual(["identity_taken", "silicon"]);
      await bench.prove(2);
      expect(bench.fold(2)).toMatchObject({ state: "disputed", cause: "identity_taken", silicon: null });
      expect([bench.identity(other), bench.identity(2)]).toEqual(["silicon", "declared"]);
      expect(bench.codes(other)).toContain("IDENTITY_TAKEN");
      await bench.prove(rightful);
      expect([0, 1, 2].map((i) => bench.identity(i) === "silicon")).toEqual(
        [0, 1, 2].map((i) => i === rightful),
      );
      expect([0, 1, 2].map((i) => bench.fold(i).dispute === null)).toEqual(
        [0, 1, 2].map((i) => i === rightful),
      );
      bench.expectRebuilt();
    },
  );

  it("does not take it from a device that has gone over to another one's UUID", async () => {
    const bench = await open(3).ready();
    await bench.prove(0);
    await bench.inventory(0, syntheticInventory("GPU-1"));
    expect(bench.fold(0).dispute).toBe("identity_taken");
    await bench.prove(2);
    expect([bench.fold(2).dispute, bench.identity(2)]).toEqual(["identity_taken", "declared"]);
    expect(bench.identity(0)).toBe("silicon");
    bench.expectRebuilt();
  });
});

describe("evidence of a GPU", () => {
  it("makes its device's identity silicon, with the time and the latency", async () => {
    const bench = await open().ready();
    expect(bench.identity()).toBe("declared");
    await bench.prove();
    expect(assuranceOf(bench.fold())).toEqual({
      key: "software",
      identity: "silicon",
      presence_at_ms: bench.core.now_ms(),
    });
    expect(bench.fold().silicon?.latency_ms).toBe(1500);
    expect(bench.findings()).toEqual([]);
    bench.expectRebuilt();
  });

  it("may come with reports in between: the chain head is any since the challenge", async () => {
    const bench = await open().ready();
    const challenge = bench.challenge();
    const body = bench.body(0, challenge);
    await bench.report();
    await bench.report();
    await bench.answer(0, body);
    expect(bench.identity()).toBe("silicon");
  });

  it.each<[string, string, (bench: EvidenceBench) => EvidenceReport["body"]]>([
    [
      "another nonce",
      "EVIDENCE_NONCE_MISMATCH",
      (b) => ({ ...b.body(0, b.challenge()), report: gpu.report().toString("base64") }),
    ],
    ["a challenge that was never given", "CHALLENGE_NOT_OPEN", (b) => b.body(0, "ab".repeat(32))],
    [
      "a chain head of its own making",
      "CHAIN_HEAD_UNKNOWN",
      (b) => b.body(0, b.challenge(), gpu, { chain_head: "cd".repeat(32) }),
    ],
    [
      "another device's chain",
      "EVIDENCE_SIGNATURE_INVALID",
      (b) => ({ ...b.body(0, b.challenge()), chain: pemOf(otherGpu.certificates) }),
    ],
    ["no chain", "EVIDENCE_ENCODING_INVALID", (b) => ({ ...b.body(0, b.challenge()), chain: "none" })],
    [
      "an invented beacon in the nonce's place",
      "EVIDENCE_NONCE_MISMATCH",
      (b) => {
        const body = b.body(0, b.challenge());
        return { ...body, beacon: { number: 7, hash: `0x${"11".repeat(32)}` } };
      },
    ],
  ])("is refused with %s", async (name, code, make) => {
    const bench = await open().ready();
    if (name.includes("beacon")) {
      bench.core.beacons.add({ number: 7, hash: `0x${"11".repeat(32)}`, time_ms: bench.core.now_ms() });
    }
    await bench.answer(0, make(bench));
    expect(bench.identity()).toBe("declared");
    expect(bench.findings()).toMatchObject([
      { code: "ATTESTATION_FAILED", text: expect.stringContaining(code) },
    ]);
    bench.expectRebuilt();
  });

  it("is refused when it comes too late, and the second time", async () => {
    const bench = await open().ready();
    const late = bench.body(0, bench.challenge());
    bench.pass(policy.challenge_answer_ms + 1000);
    await bench.answer(0, late);
    expect(bench.codes()).toEqual(["ATTESTATION_FAILED"]);
    expect(bench.fold().challenges_missed).toBe(1);
    const body = bench.body(0, bench.challenge());
    await bench.answer(0, body);
    expect(bench.identity()).toBe("silicon");
    const at_ms = bench.fold().silicon?.at_ms;
    bench.core.advance(20 * 60_000);
    await bench.answer(0, body);
    expect(bench.fold().silicon?.at_ms).toBe(at_ms);
    expect(bench.codes().filter((code) => code === "ATTESTATION_FAILED")).toHaveLength(2);
    bench.expectRebuilt();
  });

  it("that the registry was not there to hear counts for nothing, nor against the device", async () => {
    const bench = await open().ready();
    const body = bench.body(0, bench.challenge());
    bench.core.advance(policy.outage_after_ms + 1);
    await bench.answer(0, body);
    expect(bench.identity()).toBe("declared");
    expect(bench.fold().challenges_missed).toBe(0);
  });

  it("lapses with time, comes back with a good answer, and lapses with missed challenges", async () => {
    const bench = await open().ready();
    await bench.prove();
    const { at_ms } = bench.fold().silicon!;
    bench.pass(policy.silicon_lapse_ms + 5000);
    expect(assuranceOf(bench.fold())).toMatchObject({ identity: "declared", presence_at_ms: at_ms });
    expect(bench.codes()).toEqual(["ATTESTATION_EXPIRED"]);
    await bench.prove();
    expect(bench.identity()).toBe("silicon");
    for (let i = 0; i < policy.silicon_missed_max; i += 1) {
      expect(bench.identity()).toBe("silicon");
      bench.challenge();
      bench.pass(policy.challenge_answer_ms + 1000);
    }
    expect(bench.identity()).toBe("declared");
    bench.expectRebuilt();
  });

  it("of another model than declared does not count; of another driver it is told and counts", async () => {
    const other = await open(1, [
      { ...syntheticInventory("GPU-x"), inforom_image_version: "G525.0220.00.05" },
    ]).ready();
    await other.prove();
    expect(other.identity()).toBe("declared");
    expect(other.findings()[0]).toMatchObject({
      code: "ATTESTATION_MISMATCH",
      text: expect.stringContaining("G525"),
    });
    const driver = await open(1, [
      { ...syntheticInventory("GPU-x"), driver_version: "580.00", pdi: "0x00000000000000aa" },
    ]).ready();
    await driver.prove();
    expect(driver.identity()).toBe("silicon");
    const [{ code, text } = { code: "", text: "" }] = driver.findings();
    expect(code).toBe("ATTESTATION_MISMATCH");
    expect(text).toContain("580.00");
    // Sensitive: it must not go out with an event.
    expect(text).not.toContain("aa");
  });

  it("by another GPU under the same key is a dispute", async () => {
    const bench = await open().ready();
    await bench.prove();
    await bench.prove(0, otherGpu);
    expect(bench.fold()).toMatchObject({ state: "disputed", cause: "identity_changed" });
    expect(bench.codes()).toEqual(["IDENTITY_CHANGED"]);
    bench.expectRebuilt();
  });

  it("by one GPU for two devices quarantines the newcomer, tells the incumbent and has both asked at once", async () => {
    const bench = await open(2).ready();
    await bench.prove(0);
    await bench.prove(1);
    expect(bench.fold(1)).toMatchObject({
      state: "disputed",
      cause: "identity_taken",
      challenge_wanted: true,
    });
    expect(bench.fold(0)).toMatchObject({ dispute: null, challenge_wanted: true });
    expect([bench.identity(0), bench.identity(1)]).toEqual(["silicon", "declared"]);
    expect([bench.codes(0), bench.codes(1)]).toEqual([["IDENTITY_TAKEN"], ["IDENTITY_TAKEN"]]);
    // Asked and answered again, there is nothing new: nobody is asked for ever.
    await bench.prove(1);
    await bench.prove(0);
    expect([bench.fold(0).challenge_wanted, bench.fold(1).challenge_wanted]).toEqual([false, false]);
    bench.expectRebuilt();
  });

  it("of a newcomer on a taken UUID is told to the incumbent that has none", async () => {
    const same = syntheticInventory("GPU-same");
    const bench = await open(2, [same, same]).ready();
    expect([bench.fold(0).challenge_wanted, bench.fold(1).challenge_wanted]).toEqual([true, true]);
    await bench.prove(1);
    expect(bench.codes(0)).toEqual(["IDENTITY_TAKEN", "IDENTITY_OUTRANKED"]);
    expect(bench.fold(0).dispute).toBeNull();
    expect(bench.fold(1).dispute).toBe("identity_taken");
    bench.expectRebuilt();
  });

  it("is joined anew when the inventory changes", async () => {
    const bench = await open().ready();
    await bench.prove();
    await bench.inventory(0, { ...syntheticInventory("GPU-0"), driver_version: "595.01" });
    expect(bench.fold().challenge_wanted).toBe(true);
  });
});
