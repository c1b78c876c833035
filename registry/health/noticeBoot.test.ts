import { describe, expect, it } from "vitest";
import { busyTelemetry } from "../../test/support/testReports.js";
import { foldBench } from "../testing/foldBench.js";
import { healthPolicies } from "./policy.js";

const minute = 60_000;
const device = "d1".repeat(32);

function setting() {
  const bench = foldBench(healthPolicies.standard);
  bench.enrol(device);
  /** One report a minute by each of these processes in turn; gives the statements. */
  const said = (...boots: string[]): string[] =>
    boots.map((boot) => {
      bench.pass(minute);
      const entry = bench.next(device, "telemetry", { ...busyTelemetry, present_ms: minute });
      if (entry.kind !== "report") throw new Error("not a report");
      bench.put({ ...entry, report: { ...entry.report, boot } });
      return entry.statement;
    });
  const clones = () => bench.findings(device).filter(({ data }) => data.code === "KEY_IN_TWO_PLACES");
  return { bench, said, clones };
}

describe("two processes that speak for one device", () => {
  it("are noticed when they take turns, and both sides are named", () => {
    const { said, clones } = setting();
    const statements = said("a", "a", "b", "a");
    expect(clones()).toHaveLength(1);
    const { evidence, text } = clones()[0]!.data;
    expect(evidence).toBe(statements[3]);
    expect(text).toContain(statements[1]);
    expect(text).toContain(statements[2]);
  });

  it("are noticed again as long as they go on", () => {
    const { said, clones } = setting();
    said("a", ...Array.from({ length: 15 }, () => ["b", "a"]).flat());
    const told = clones();
    expect(told.length).toBeGreaterThan(1);
    expect(told.at(-1)?.data.count).toBeGreaterThan(5);
  });

  it("are not seen in a process that is restarted, however often", () => {
    const { said, clones } = setting();
    said(..."abcdefghij", "j");
    expect(clones()).toEqual([]);
  });

  it("are not seen in reports that fill a gap", () => {
    const { bench, said, clones } = setting();
    said("a");
    bench.pass(minute);
    const late = bench.next(device, "telemetry", { ...busyTelemetry, present_ms: minute });
    said("b");
    if (late.kind !== "report") throw new Error("not a report");
    bench.put({ ...late, report: { ...late.report, boot: "a" } });
    said("b");
    expect(clones()).toEqual([]);
  });
});
