import { describe, expect, it } from "vitest";
import type { DecisionBody } from "../../protocol/log/entryBodies.js";
import { foldBench } from "../testing/foldBench.js";

const decide = (
  bench: ReturnType<typeof foldBench>,
  device: string,
  outcome: DecisionBody["outcome"],
): void =>
  bench.put({
    kind: "decision",
    body: { device, at_ms: bench.now(), outcome, by: "A. Clerk", reason: "seen on site" },
  });
const codes = (bench: ReturnType<typeof foldBench>, device: string): string[] =>
  bench.findings(device).map(({ data }) => data.code);

/** Two devices that both claim GPU-a; the second one is disputed. */
const twoOfOne = () => {
  const bench = foldBench();
  bench.enrol("first", "h-1");
  bench.enrol("second", "h-2");
  bench.inventory("first", "GPU-a");
  bench.inventory("second", "GPU-a");
  bench.report("first", 2);
  bench.report("second", 1);
  expect([bench.state("first"), bench.state("second")]).toEqual(["healthy/none", "disputed/identity_taken"]);
  return bench;
};

describe("a dispute that is decided", () => {
  it("for the newcomer gives it the GPU, and puts the one before in dispute", () => {
    const bench = twoOfOne();
    decide(bench, "second", "cleared");
    expect([bench.state("first"), bench.state("second")]).toEqual([
      "disputed/identity_taken",
      "healthy/none",
    ]);
    expect(codes(bench, "second")).toContain("DISPUTE_DECIDED");
    bench.inventory("second", "GPU-a");
    expect(bench.state("second")).toBe("healthy/none");
    bench.inventory("first", "GPU-a");
    expect(bench.state("second")).toBe("healthy/none");
    expect([...bench.fleet.identities.values()]).toEqual(["second"]);
  });

  it("against the newcomer leaves all as it is, told", () => {
    const bench = twoOfOne();
    decide(bench, "second", "upheld");
    expect([bench.state("first"), bench.state("second")]).toEqual([
      "healthy/none",
      "disputed/identity_taken",
    ]);
    expect(codes(bench, "second")).toContain("DISPUTE_DECIDED");
  });

  it("is over once: what is in no dispute is not decided", () => {
    const bench = twoOfOne();
    decide(bench, "first", "cleared");
    expect(codes(bench, "first")).not.toContain("DISPUTE_DECIDED");
    expect(bench.fleet.identities.get(bench.fold("first").held!)).toBe("first");
  });

  it("for a key that shows another GPU lets the old one go", () => {
    const bench = foldBench();
    bench.enrol("first");
    bench.inventory("first", "GPU-a");
    const before = bench.fold("first").held!;
    bench.inventory("first", "GPU-b");
    expect(bench.fold("first").dispute).toBe("identity_changed");
    decide(bench, "first", "cleared");
    const { held, dispute } = bench.fold("first");
    expect([dispute, held === before]).toEqual([null, false]);
    expect([...bench.fleet.identities]).toEqual([[held, "first"]]);
  });

  it("forgives an equivocation, which stays told", () => {
    const bench = foldBench();
    bench.enrol("first");
    bench.report("first", 1);
    const body = {
      code: "EQUIVOCATION",
      device: "first",
      at_ms: bench.now(),
      sides: [],
      text: "two statements",
    };
    bench.put({ kind: "finding", body });
    expect(bench.state("first")).toBe("disputed/equivocation");
    decide(bench, "first", "cleared");
    expect(bench.state("first")).toBe("healthy/none");
    expect(codes(bench, "first")).toEqual(["EQUIVOCATION", "DISPUTE_DECIDED"]);
  });
});
