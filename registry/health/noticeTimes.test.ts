import { describe, expect, it } from "vitest";
import type { Beacon } from "../../protocol/report/schema.js";
import { busyTelemetry } from "../../test/support/testReports.js";
import { foldBench } from "../testing/foldBench.js";
import { healthPolicies } from "./policy.js";
import { beaconsRemembered, type FoldBeacon, rememberBeacon } from "./rememberBeacon.js";

const minute = 60_000;
const device = "d1".repeat(32);

function setting() {
  const bench = foldBench(healthPolicies.standard);
  bench.enrol(device);
  let end_ms = bench.now();
  const blocks: Beacon[] = [];
  return {
    bench,
    block(): Beacon {
      const number = blocks.length;
      const beacon = { number, hash: `0x${number.toString(16).padStart(64, "0")}` };
      blocks.push(beacon);
      bench.put({ kind: "chain", body: { type: "beacon", ...beacon, time_ms: bench.now() } });
      return beacon;
    },
    /** A report a minute that arrives `late_ms` after it ends. */
    report(minutes: number, late_ms: number, beacon: () => Beacon | null = () => null): void {
      for (let i = 0; i < minutes; i += 1) {
        bench.pass(minute);
        const window = { start_ms: end_ms, end_ms: bench.now() - late_ms };
        end_ms = window.end_ms;
        const entry = bench.next(device, "telemetry", busyTelemetry, window);
        if (entry.kind !== "report") throw new Error("not a report");
        bench.put({ ...entry, report: { ...entry.report, beacon: beacon() } });
      }
    },
    findings: () => bench.findings(device).map(({ data }) => data),
  };
}

describe("windows that end long before they arrive", () => {
  it("are told after a quarter of an hour, from which report to which", () => {
    const { bench, report, findings } = setting();
    bench.pass(5 * minute);
    report(15, 4 * minute);
    expect(findings()).toEqual([]);
    report(1, 4 * minute);
    expect(findings()).toMatchObject([
      { code: "CLOCK_BEHIND", evidence: bench.fold(device).head!.statement },
    ]);
    expect(findings()[0]!.text).toMatch(
      /windows end 240000 ms before .* statement [0-9a-f]{64} to [0-9a-f]{64}$/,
    );
  });

  it("are nothing when one report in between came in time, or when they are late by little", () => {
    const { bench, report, findings } = setting();
    bench.pass(5 * minute);
    report(14, 4 * minute);
    report(1, 0);
    report(3, minute);
    report(20, 2 * minute);
    expect(findings()).toEqual([]);
  });
});

describe("beacons that are older than those handed out since", () => {
  it("are told after a quarter of an hour: the reports may have been signed in advance", () => {
    const { report, block, findings } = setting();
    const old = block();
    report(10, 0, () => old);
    const newer = block();
    report(29, 0, () => old);
    expect(findings()).toEqual([]);
    report(1, 0, () => old);
    expect(findings()).toMatchObject([{ code: "BEACON_OLD" }]);
    expect(findings()[0]!.text).toContain(`beacon ${old.hash} though ${newer.hash}`);
  });

  it("are nothing when no newer one was handed out, or when the report names the newest that it could have", () => {
    const { report, block, findings } = setting();
    let latest = block();
    report(60, 0, () => latest);
    for (let i = 0; i < 4; i += 1) {
      latest = block();
      report(14, 0, () => latest);
    }
    expect(findings()).toEqual([]);
  });

  it("are those of a report that names none, too", () => {
    const { report, block, findings } = setting();
    block();
    report(31, 0, () => null);
    expect(findings()).toMatchObject([{ code: "BEACON_OLD" }]);
    expect(findings()[0]!.text).toContain("names no beacon");
  });
});

describe("rememberBeacon", () => {
  it("keeps the newest in order, each once, however they come", () => {
    const all = Array.from({ length: beaconsRemembered + 3 }, (_, i) => ({ hash: `h${i}`, time_ms: i }));
    const beacons: FoldBeacon[] = [];
    for (const one of [...all.slice(5), ...all.slice(0, 5).reverse(), ...all.slice(9, 20)]) {
      rememberBeacon(beacons, one);
    }
    expect(beacons).toEqual(all.slice(3));
  });
});
