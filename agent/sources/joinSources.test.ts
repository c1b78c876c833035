import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import type { InventoryBody, Presence, XidEvent } from "../../protocol/report/schema.js";
import { joinSources } from "./joinSources.js";
import { fillSample } from "./joinSourcesFill.js";
import { noReading } from "./noReading.js";
import type { GpuName, Supplement, SupplementListener, SuppliedReading } from "./supplement.js";
import type { FastReading, GpuSample, SourceListener, TelemetrySource } from "./telemetrySource.js";

const uuid = "GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005";
const other = "GPU-bc5610b9-79c8-fedd-8899-07539c7f868a";
const bus = "00000000:53:00.0";

const sampleOf = (
  of: string,
  at_mono_ms: number,
  fast: Partial<FastReading> = {},
  presence: Presence = "present",
  xids: XidEvent[] = [],
): GpuSample => ({
  uuid: of,
  source: "nvidia-smi",
  supplied: [],
  xids,
  presence,
  at_ms: 1_700_000_000_000 + at_mono_ms,
  at_mono_ms,
  fast: { ...noReading.fast, ...fast },
  health: noReading.health,
});
const told = (xid: number | null, at_ms = 1, over: Partial<XidEvent> = {}): XidEvent => ({
  xid,
  first_ms: at_ms,
  last_ms: at_ms,
  count: 1,
  source: "kernel-log",
  detail: null,
  resolution: null,
  severity: "impaired",
  rules: 1,
  ...over,
});

/** A source and supplements that the test drives by hand. */
async function rig(options: { supplements?: ("dcgm" | "kernel-log")[]; broken?: boolean } = {}) {
  const clock = { mono: 0 };
  let inventory = [{ uuid, pci_bus_id: "00000000:53:00.0" }] as InventoryBody[];
  let source: SourceListener | undefined;
  const stops: string[] = [];
  const inner: TelemetrySource = {
    name: "nvidia-smi",
    async start(listener) {
      source = listener;
    },
    async stop() {
      stops.push("source");
    },
    inventory: () => inventory,
  };
  const listeners: SupplementListener[] = [];
  const supplements = (options.supplements ?? ["dcgm", "kernel-log"]).map(
    (name): Supplement => ({
      name,
      async start(listener) {
        if (options.broken) throw new Error("broken");
        listeners.push(listener);
      },
      async stop() {
        stops.push(name);
      },
    }),
  );
  const samples: GpuSample[] = [];
  const problems: CaliberError[] = [];
  const joined = joinSources(inner, supplements, {
    clock: { now_ms: () => 1_700_000_000_000 + clock.mono, mono_ms: () => clock.mono },
  });
  await joined.start({
    onSamples: (all) => samples.push(...all),
    onInventory: () => undefined,
    onProblem: (error) => problems.push(error),
  });
  return {
    joined,
    clock,
    samples,
    problems,
    stops,
    listeners,
    supply: (gpu: GpuName, values: SuppliedReading["values"], until_mono_ms = 45_000) =>
      listeners[0]!.onReadings([{ gpu, until_mono_ms, values }]),
    setInventory: (all: InventoryBody[]) => {
      inventory = all;
    },
    /** One sample of each given GPU, a second after the last. */
    tick: (...all: [string, Partial<FastReading>?, Presence?, XidEvent[]?][]) => {
      clock.mono += 1000;
      source!.onSamples(all.map(([of, ...rest]) => sampleOf(of, clock.mono, ...rest)));
      return samples.slice(-all.length);
    },
  };
}
const named = (gpu: Partial<GpuName>): GpuName => ({ uuid: null, bus_id: null, ...gpu });

describe("joinSources: readings", () => {
  it("fills in only what the source left null, and names it", async () => {
    const { supply, tick } = await rig();
    supply(named({ uuid }), { sm_activity_permille: 812, power_mw: 1, recovery_action: "reset" });
    const [sample, second] = tick([uuid, { power_mw: 700_000 }], [other]);
    expect(sample).toMatchObject({
      fast: { sm_activity_permille: 812, power_mw: 700_000, temp_mc: null },
      health: { recovery_action: "reset" },
      supplied: [{ source: "dcgm", fields: ["recovery_action", "sm_activity_permille"] }],
    });
    expect(second).toEqual(sampleOf(other, 1000));
  });

  it("takes a zero for a value, and knows a GPU by its PCI address as well", async () => {
    const { supply, tick } = await rig();
    supply(named({ bus_id: bus }), { sm_activity_permille: 0 });
    expect(tick([uuid])[0]!.fast.sm_activity_permille).toBe(0);
  });

  it("lets a reading expire, and a newer one take its place", async () => {
    const { supply, tick, clock } = await rig();
    supply(named({ uuid }), { sm_activity_permille: 812 }, 3000);
    expect(tick([uuid])[0]!.fast.sm_activity_permille).toBe(812);
    supply(named({ uuid }), { temp_mc: 40_000 }, 4000);
    expect(tick([uuid])[0]!.fast).toMatchObject({ sm_activity_permille: null, temp_mc: 40_000 });
    clock.mono = 3000;
    expect(tick([uuid])[0]).toEqual(sampleOf(uuid, 4000));
  });

  it("makes no GPU answer that does not", async () => {
    const { supply, tick } = await rig();
    supply(named({ uuid }), { sm_activity_permille: 812 });
    for (const presence of ["lost", "missing", "probe_timeout"] as const) {
      expect(tick([uuid, {}, presence])[0]).toMatchObject({ presence, ...noReading, supplied: [] });
    }
  });

  it("never changes what is there, makes up nothing, and keeps every key", () => {
    const value = fc.option(fc.nat(1000));
    const fields = ["util_permille", "sm_activity_permille", "power_mw", "fb_used_mib"] as const;
    const readings = fc.record(Object.fromEntries(fields.map((field) => [field, value])));
    fc.assert(
      fc.property(readings, fc.array(readings, { maxLength: 3 }), fc.nat(10), (own, given, at) => {
        const sample = sampleOf(uuid, at, own);
        const supplied = given.map((values, index) => ({
          source: "dcgm" as const,
          reading: { gpu: named({ uuid }), until_mono_ms: index * 4, values },
        }));
        const { fast, supplied: named_ } = fillSample(sample, supplied);
        expect(Object.keys(fast)).toEqual(Object.keys(sample.fast));
        for (const field of fields) {
          const offers = given.filter((_, index) => at < index * 4).map((values) => values[field] ?? null);
          expect(fast[field]).toBe(own[field] ?? offers.find((offer) => offer !== null) ?? null);
          const says = named_.some((one) => one.fields.includes(field));
          expect(says).toBe(own[field] === null && fast[field] !== null);
        }
      }),
    );
  });
});

describe("joinSources: faults", () => {
  it("attaches them to the next sample of their GPU, by address or UUID, also of one that is lost", async () => {
    const { listeners, tick } = await rig();
    listeners[1]!.onXid(named({ bus_id: bus }), told(79));
    listeners[0]!.onXid(named({ uuid, bus_id: bus }), told(79, 2, { source: "dcgm" }));
    const [first, second] = tick([uuid, {}, "lost"], [other]);
    expect(first!.xids).toEqual([told(79), told(79, 2, { source: "dcgm" })]);
    expect(second!.xids).toEqual([]);
    expect(tick([uuid])[0]!.xids).toEqual([]);
  });

  it("hands a storm over at once and then once a minute, with every telling counted", async () => {
    const { listeners, tick, samples } = await rig();
    for (let second = 0; second < 300; second++) {
      if (second % 2 === 0) listeners[1]!.onXid(named({ uuid }), told(95, second, { count: 1000 }));
      tick([uuid]);
    }
    const handed = samples.filter(({ xids }) => xids.length > 0);
    expect(handed[0]!.at_mono_ms).toBe(1000);
    expect(handed).toHaveLength(5);
    for (let second = 0; second < 61; second++) tick([uuid]);
    const all = samples.flatMap(({ xids }) => xids);
    expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(150_000);
    expect(all.at(-1)).toMatchObject({ xid: 95, last_ms: 298 });
  });

  it("lets news through at once in the middle of a storm, and the same again after a quiet minute", async () => {
    const { listeners, tick } = await rig();
    const tell = (xid: number) => listeners[1]!.onXid(named({ uuid }), told(xid));
    tell(95);
    expect(tick([uuid])[0]!.xids).toHaveLength(1);
    tell(95);
    expect(tick([uuid])[0]!.xids).toHaveLength(0);
    tell(79);
    expect(tick([uuid])[0]!.xids.map(({ xid }) => xid)).toEqual([79, 95]);
    for (let second = 0; second < 61; second++) tick([uuid]);
    tell(79);
    expect(tick([uuid])[0]!.xids).toHaveLength(1);
  });

  it("bundles the source's own faults in the same way", async () => {
    const { tick, samples } = await rig({ supplements: [] });
    for (let second = 0; second < 10; second++)
      tick([uuid, {}, "present", [told(95, 1, { source: "nvml" })]]);
    expect(samples.filter(({ xids }) => xids.length > 0)).toHaveLength(1);
  });

  it("keeps a fault until the GPU is known, and says once when it never is", async () => {
    const { listeners, tick, problems, setInventory } = await rig();
    setInventory([]);
    listeners[1]!.onXid(named({ bus_id: bus }), told(48));
    expect(tick([uuid])[0]!.xids).toEqual([]);
    setInventory([{ uuid, pci_bus_id: "0000:53:00.0" } as InventoryBody]);
    expect(tick([uuid])[0]!.xids).toEqual([told(48)]);

    listeners[1]!.onXid(named({ bus_id: "00000000:99:00.0" }), told(48));
    listeners[1]!.onXid(named({ bus_id: "00000000:99:00.0" }), told(95));
    listeners[0]!.onReadings([{ gpu: named({ uuid: other }), until_mono_ms: 1e9, values: { temp_mc: 1 } }]);
    for (let second = 0; second < 300; second++) tick([uuid]);
    expect(problems.map(({ code, message }) => [code, /GPU \S+,/.exec(message)?.[0]]).sort()).toEqual([
      ["SUPPLEMENT_GPU_UNKNOWN", "GPU 00000000:99:00.0,"],
      ["SUPPLEMENT_GPU_UNKNOWN", `GPU ${other},`],
    ]);
  });

  it("takes the UUID that the driver gave before the address of an inventory", async () => {
    const { listeners, tick } = await rig();
    listeners[1]!.onXid(named({ uuid: other, bus_id: bus }), told(48));
    const [first, second] = tick([uuid], [other]);
    expect([first!.xids.length, second!.xids.length]).toEqual([0, 1]);
  });
});

describe("joinSources: what breaks", () => {
  it("goes on without a supplement that cannot start, and stops what it started", async () => {
    const { joined, tick, problems, stops, samples } = await rig({ broken: true });
    expect(problems.map(({ code }) => code)).toEqual(["SUPPLEMENT_FAILED", "SUPPLEMENT_FAILED"]);
    tick([uuid]);
    expect(samples).toHaveLength(1);
    await joined.stop();
    expect(stops.sort()).toEqual(["dcgm", "kernel-log", "source"]);
  });

  it("passes problems on, and none after it was stopped", async () => {
    const { joined, listeners, problems, tick } = await rig();
    listeners[0]!.onProblem(new CaliberError("DCGM_UNREACHABLE", "x"));
    await joined.stop();
    listeners[0]!.onProblem(new CaliberError("DCGM_TIMEOUT", "x"));
    listeners[1]!.onXid(named({ uuid }), told(79));
    expect(problems.map(({ code }) => code)).toEqual(["DCGM_UNREACHABLE"]);
    expect(tick([uuid])[0]!.xids).toEqual([]);
  });
});
