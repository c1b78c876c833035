import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { TelemetryBody } from "../../protocol/report/schema.js";
import { busyTelemetry, inventoryOf, testChain } from "../../test/support/testReports.js";
import { rebuild, tableDigests } from "../store/rebuild.js";
import { foldBench } from "../testing/foldBench.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { healthPolicies } from "./policy.js";

const [a, b, c] = ["a1", "b2", "c3"].map((digits) => digits.repeat(32)) as [string, string, string];
const h100 = {
  name: "NVIDIA H100 80GB HBM3",
  pci_device_id: "0x233010DE",
  driver_version: "580.95.05",
};
const atIdlePower: Partial<TelemetryBody> = { power_mw: { min: 68_000, mean: 70_000, max: 72_000 } };
/** A busy window that is no other's: its power moves with `n`. */
const windowOf = (n: number): Partial<TelemetryBody> => ({
  power_mw: { min: 600_000 + 17 * n, mean: 650_000 + 31 * n, max: 690_000 - 13 * n },
});
const start = (...devices: string[]) => {
  const bench = foldBench();
  for (const [i, device] of devices.entries()) {
    bench.enrol(device, `h-${device.slice(0, 4)}`);
    bench.inventory(device, `GPU-${device.slice(0, 2)}`, h100);
    bench.report(device, 1, windowOf(300 + i));
  }
  return bench;
};
type Bench = ReturnType<typeof start>;
const codes = (bench: Bench, device: string) => bench.findings(device).map(({ data }) => data.code);

describe("implausible readings", () => {
  it("are told by a finding that names the report, and put the device under watch until they have been good for an hour", () => {
    const bench = start(a);
    expect([bench.state(a), codes(bench, a)]).toEqual(["healthy/none", []]);
    bench.report(a, 1, atIdlePower);
    const { statement } = bench.fold(a).head!;
    expect(bench.state(a)).toBe("watch/implausible");
    expect(bench.findings(a)[0]?.data).toMatchObject({
      code: "BUSY_AT_IDLE_POWER",
      evidence: statement,
      count: 1,
    });
    expect(bench.findings(a)[0]?.data.text).toContain("94.7 %");
    expect(bench.health(a).at(-1)?.data).toMatchObject({
      value: 1,
      threshold: 1,
      detail: "BUSY_AT_IDLE_POWER",
      evidence: statement,
    });
    bench.report(a, 59);
    expect(bench.state(a)).toBe("watch/implausible");
    bench.report(a, 1);
    expect(bench.state(a)).toBe("healthy/none");
  });

  it("are told once in ten minutes a code, with how many there were", () => {
    const bench = start(a);
    bench.report(a, 12, atIdlePower);
    expect(bench.findings(a).map(({ data }) => [data.code, data.count])).toEqual([
      ["BUSY_AT_IDLE_POWER", 1],
      ["BUSY_AT_IDLE_POWER", 10],
    ]);
  });

  it("are found whether the agent tells them or not, and what it tells beyond is told as its own", () => {
    const bench = start(a);
    const told = (code: string) => ({ code, evidence: `${code} it says` });
    bench.report(a, 1, {
      ...atIdlePower,
      implausible: [
        told("BUSY_AT_IDLE_POWER"),
        told("SERIES_IDENTICAL"),
        told("EQUIVOCATION"),
        told("HOT_AIR"),
      ],
    });
    expect(bench.findings(a).map(({ data }) => [data.code, data.text])).toEqual([
      ["BUSY_AT_IDLE_POWER", expect.stringContaining("94.7 %")],
      ["SERIES_IDENTICAL", "told by the agent: SERIES_IDENTICAL it says"],
      // Nobody makes up a code here, nor takes that of a dispute.
      ["IMPLAUSIBLE_TOLD", "told by the agent: EQUIVOCATION it says"],
    ]);
    expect(bench.state(a)).toBe("watch/implausible");
  });

  it("keep the memory of a device small, whatever it tells", () => {
    const bench = start(a);
    for (let i = 0; i < 40; i += 1) {
      const implausible = Array.from({ length: 32 }, (_, n) => ({
        code: `X_${i}_${n}`,
        evidence: "x".repeat(200),
      }));
      bench.report(a, 1, { ...windowOf(i), implausible });
    }
    expect(Object.keys(bench.fold(a).findings)).toEqual(["IMPLAUSIBLE_TOLD"]);
    expect(bench.fold(a).series.keys).toHaveLength(4);
    expect(JSON.stringify(bench.fold(a)).length).toBeLessThan(4000);
  });

  it("of an inventory stand until another one, told by the agent or not", () => {
    const bench = start(a);
    bench.inventory(a, "GPU-a1", { ...h100, power_limit_mw: 1_200_000 });
    expect(codes(bench, a)).toEqual(["POWER_LIMIT_NOT_OF_MODEL"]);
    expect(bench.findings(a)[0]?.data.evidence).toBe(bench.fold(a).inventory?.statement);
    bench.report(a, 1, { implausible: [{ code: "POWER_LIMIT_NOT_OF_MODEL", evidence: "700 W, 1200 W" }] });
    bench.report(a, 120);
    expect(bench.state(a)).toBe("watch/implausible");
    expect(codes(bench, a)).toHaveLength(1);
    bench.inventory(a, "GPU-a1", h100);
    bench.report(a, 60);
    expect(bench.state(a)).toBe("healthy/none");
  });

  it("of a report that fills an old gap move nothing, and that comes late is told but moves no state", () => {
    const bench = start(a);
    const filler = bench.next(a, "telemetry", { ...busyTelemetry, ...atIdlePower });
    bench.report(a, 1);
    bench.put(filler);
    expect(codes(bench, a)).toEqual(["REPORTS_MISSING"]);
    const window = { start_ms: bench.now() - 3_600_000, end_ms: bench.now() - 3_540_000 };
    bench.put(bench.next(a, "telemetry", { ...busyTelemetry, ...atIdlePower }, window));
    expect(codes(bench, a)).toEqual(["REPORTS_MISSING", "BUSY_AT_IDLE_POWER"]);
    expect(bench.state(a)).toBe("healthy/none");
  });

  it("compare a window with the one before, across an inventory and across a gap of reports", () => {
    const bench = start(a);
    bench.report(a, 1, { pcie_replays: 200 });
    bench.inventory(a, "GPU-a1", h100);
    bench.report(a, 1, { pcie_replays: 199 });
    expect(codes(bench, a)).toEqual(["COUNTER_WENT_BACK"]);
    const rows = (uncorrectable: number) => ({
      correctable: 0,
      uncorrectable,
      pending: false,
      failure: false,
    });
    const other = start(b);
    other.report(b, 1, { remapped_rows: rows(3) });
    other.report(b, 3, { remapped_rows: null });
    other.report(b, 1, { remapped_rows: rows(2) });
    expect(other.findings(b)[0]?.data.text).toContain("from 3 to 2");
  });
});

describe("identical series", () => {
  const both = (bench: Bench, n: number, first = a, second = b) => {
    bench.pass(60_000);
    bench.telemetry(first, windowOf(n));
    bench.telemetry(second, windowOf(n));
  };

  it("are found in the third window, told to both with both named, and held against who came second", () => {
    const bench = start(a, b);
    both(bench, 1);
    both(bench, 2);
    expect([codes(bench, a), codes(bench, b)]).toEqual([[], []]);
    both(bench, 3);
    expect([codes(bench, a), codes(bench, b)]).toEqual([["SERIES_IDENTICAL"], ["SERIES_IDENTICAL"]]);
    expect([bench.state(a), bench.state(b)]).toEqual(["healthy/none", "watch/implausible"]);
    const { statement, seq } = bench.fold(b).head!;
    for (const [self, twin] of [
      [a, b],
      [b, a],
    ] as const) {
      const { text, evidence } = bench.findings(self)[0]!.data;
      expect(evidence).toBe(statement);
      expect(text).toContain(twin);
      expect(text).toContain(`report ${seq}`);
      expect(text.length).toBeLessThanOrEqual(200);
    }
  });

  it("are found on another host, and when the copy comes some windows later", () => {
    const bench = start(a, b);
    for (let n = 1; n <= 4; n += 1) {
      bench.pass(60_000);
      bench.telemetry(a, windowOf(n));
      bench.telemetry(b, windowOf(n - 2 < 1 ? 50 + n : n - 2));
    }
    bench.pass(60_000);
    bench.telemetry(b, windowOf(3));
    expect(codes(bench, b)).toEqual(["SERIES_IDENTICAL"]);
  });

  it("are nothing for idle GPUs, for two equal windows, nor for a third party", () => {
    const bench = start(a, b, c);
    const idle: Partial<TelemetryBody> = {
      util_permille: { min: 0, mean: 0, max: 0 },
      power_mw: { min: 69_000, mean: 69_500, max: 70_000 },
      fb_used_mib: { min: 4, mean: 4, max: 4 },
    };
    for (let n = 0; n < 6; n += 1) both(bench, n % 2 === 0 ? 1 : n);
    for (let n = 0; n < 5; n += 1) {
      bench.pass(60_000);
      for (const device of [a, b, c]) bench.telemetry(device, idle);
    }
    expect(codes(bench, c)).toEqual([]);
    const two = start(a, b);
    both(two, 1);
    both(two, 2);
    two.report(b, 1, windowOf(77));
    both(two, 3);
    both(two, 4);
    expect(codes(two, b)).toEqual([]);
  });
});

describe("a log of before", () => {
  it("has the standard numbers where its policy has none", () => {
    const bench = start(a);
    const { xid_cure_ms: _, implausible_cure_ms: __, ...old } = healthPolicies.standard;
    bench.put({ kind: "policy", body: { name: "standard", values: { ...old, util_low_permille: 77 } } });
    expect(bench.fleet.policy).toEqual({ ...healthPolicies.standard, util_low_permille: 77 });
  });
});

describe("after a crash, and from the log alone", () => {
  const cores: Core[] = [];
  afterEach(() => {
    for (const core of cores.splice(0)) core.crash();
  });
  const keys = [testDevice(), testDevice()];
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        device: fc.nat(1),
        n: fc.nat(6),
        energy_mj: fc.option(fc.constantFrom("1000", "9000000000", "9039000000")),
        pcie_replays: fc.option(fc.nat(3)),
        xid: fc.option(
          fc.constantFrom("info" as const, "watch" as const, "impaired" as const, "lost" as const),
        ),
        told: fc.option(fc.constantFrom("SERIES_IDENTICAL", "MADE_UP")),
        idle: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.constant("inventory" as const) },
    { weight: 1, arbitrary: fc.constant("kill" as const) },
    { weight: 1, arbitrary: fc.constant("settle" as const) },
  );

  it("all of it is the same", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 50 }), async (steps) => {
        let core = openCore({ policy: "standard", flush_ms: 3_600_000, group_ms: 0 });
        core.enrol("h-1", keys);
        const chains = keys.map((key) => testChain(key, "h-1"));
        const take = async (i: number, kind: "telemetry" | "inventory", body: object) => {
          const end_ms = core.now_ms();
          const start_ms = kind === "inventory" ? end_ms : end_ms - 30_000;
          const { bytes } = chains[i]!.next(kind, body, { start_ms, end_ms });
          await core.ingest.take({ host: "h-1", device: keys[i]!.id, payload: bytes });
        };
        for (const one of steps) {
          core.advance(60_000);
          if (one === "inventory") {
            for (const i of [0, 1])
              await take(i, "inventory", { ...inventoryOf(`GPU-${i}`), ...h100, power_limit_mw: 900_000 });
          } else if (one === "settle") core.settle();
          else if (one === "kill") {
            core.kill();
            core = openCore({ db: core.db, start_ms: core.now_ms(), flush_ms: 3_600_000, group_ms: 0 });
          } else {
            const { device, n, energy_mj, pcie_replays, xid, told, idle } = one;
            const event = {
              xid: 79,
              first_ms: 1,
              last_ms: 1,
              count: 1,
              source: "dcgm",
              detail: null,
              resolution: null,
              rules: 1,
            };
            await take(device, "telemetry", {
              ...busyTelemetry,
              present_ms: 30_000,
              ...(idle ? atIdlePower : windowOf(n)),
              energy_mj,
              pcie_replays,
              xids: xid === null ? [] : [{ ...event, severity: xid }],
              implausible: told === null ? [] : [{ code: told, evidence: "so it says" }],
            });
          }
        }
        core.settle();
        core.kill();
        cores.push(core);
        for (const { event } of core.db
          .prepare<[], { event: string }>("SELECT body AS event FROM event")
          .all()) {
          const { data } = JSON.parse(event);
          seen.add(data.code ?? data.cause);
        }
        const live = tableDigests(core.db);
        expect(rebuild(core.db).digests).toEqual(live);
      }),
      { numRuns: 40 },
    );
    // What was compared was there.
    for (const code of [
      "SERIES_IDENTICAL",
      "COUNTER_WENT_BACK",
      "POWER_LIMIT_NOT_OF_MODEL",
      "IMPLAUSIBLE_TOLD",
      "implausible",
      "xid_impaired",
    ]) {
      expect([...seen], code).toContain(code);
    }
  });
});
