import { createHash } from "node:crypto";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";
import { type Presence, presences, reportSchemas } from "../../protocol/report/schema.js";
import { noReading } from "../sources/noReading.js";
import type { FastReading, GpuSample, HealthReading } from "../sources/telemetrySource.js";
import { closeWindow } from "./closeWindow.js";
import { createWindow } from "./createWindow.js";
import { encodeSample } from "./encodeSample.js";
import { isFault } from "./isFault.js";
import { statOf } from "./statOf.js";
import { weigh } from "./weigh.js";

const uuid = "GPU-ab9be520-568c-2c39-918d-93d1b469eacc";
const sampleAt = (
  at_mono_ms: number,
  fast: Partial<FastReading> = {},
  presence: Presence = "present",
  health: Partial<HealthReading> = {},
): GpuSample => ({
  uuid,
  source: "nvidia-smi",
  supplied: [],
  xids: [],
  presence,
  at_ms: 1_700_000_000_000 + at_mono_ms,
  at_mono_ms,
  fast: { ...noReading.fast, ...fast },
  health: { ...noReading.health, ...health },
});
function close(samples: readonly GpuSample[], end_mono_ms: number, start_mono_ms = 0) {
  const window = createWindow({ uuid, start_mono_ms, interval_ms: 1000 });
  for (const sample of samples) window.add(sample);
  return closeWindow(window, end_mono_ms);
}

const isBody = new Ajv({ strict: false }).compile(reportSchemas.telemetry.properties.body);

describe("closeWindow", () => {
  it("weighs a sample by the time since the one before it", () => {
    const { body } = close(
      [
        sampleAt(1000, { util_permille: 100, power_mw: 700_000 }),
        sampleAt(2000, { util_permille: 200 }),
        sampleAt(4000, { util_permille: 800, temp_mc: -1500 }),
      ],
      4000,
    );
    // (100·1000 + 200·1000 + 800·2000) / 4000
    expect(body.util_permille).toEqual({ min: 100, mean: 475, max: 800 });
    expect(body.power_mw).toEqual({ min: 700_000, mean: 700_000, max: 700_000 });
    expect(body.temp_mc).toEqual({ min: -1500, mean: -1500, max: -1500 });
    expect(body.fb_used_mib).toBeNull();
    expect(body).toMatchObject({ samples: 3, samples_expected: 4, present_ms: 4000, presence: "present" });
    expect(body).toMatchObject({ energy_mj: null, sm_activity_permille: null });
  });

  it("counts no time as present that nobody looked at", () => {
    const { body } = close([sampleAt(500), sampleAt(9500), sampleAt(9900)], 20_000);
    // 500 before the first, 3 of the 9 s before the second, 400, and 3 of the 10.1 s after the last
    expect(body.present_ms).toBe(500 + 3000 + 400 + 3000);
  });

  it("says at close what the GPU is then, and keeps what it said while it answered", () => {
    const ecc = {
      sram_correctable: 0,
      sram_uncorrectable: 0,
      dram_correctable: 0,
      dram_uncorrectable: 3,
    };
    const { body } = close(
      [
        sampleAt(1000, { util_permille: 900, pcie_gen: 5, throttle: ["sw_power_cap"] }, "present", {
          ecc_volatile: ecc,
          recovery_action: "reset",
          processes: 2,
        }),
        sampleAt(2000, {}, "lost"),
      ],
      2000,
    );
    expect(body).toMatchObject({
      presence: "lost",
      present_ms: 1000,
      util_permille: { min: 900, mean: 900, max: 900 },
      ecc_volatile: ecc,
      recovery_action: "reset",
      processes: 2,
      pcie_gen: 5,
      throttle: ["sw_power_cap"],
    });
  });

  it("a window without a sample is a probe that timed out, with the empty tree", () => {
    const { body, raw } = close([], 10_000);
    expect(raw).toEqual([]);
    expect(body).toMatchObject({
      presence: "probe_timeout",
      samples: 0,
      samples_expected: 10,
      present_ms: 0,
    });
    expect(body.samples_root).toBe(createHash("sha256").digest("hex"));
    expect(body.util_permille).toBeNull();
  });

  it("samples_root is over exactly the bytes that are handed on", () => {
    const { body, raw } = close([sampleAt(1000, { util_permille: 7 }), sampleAt(2000)], 2000);
    expect(body.samples_root).toBe(rootOf(raw.map(leafHash)).toString("hex"));
    expect(raw[0]!.toString()).toBe(
      `{"v":1,"uuid":"${uuid}","source":"nvidia-smi","presence":"present","at_ms":1700000001000,"at_mono_ms":1000,"util_permille":7,"sm_activity_permille":null,"mem_util_permille":null,"fb_used_mib":null,"power_mw":null,"temp_mc":null,"sm_clock_mhz":null,"pcie_gen":null,"pcie_width":null,"energy_mj":null,"throttle":null,"sram_uncorrectable":null,"dram_uncorrectable":null,"remap_pending":null,"remap_failure":null,"recovery_action":null,"xids":[]}`,
    );
  });

  it("the encoding does not depend on the order of an object's keys", () => {
    const sample = sampleAt(1, { util_permille: 1, power_mw: 2 });
    const turned = {
      ...Object.fromEntries(Object.entries(sample).reverse()),
      fast: Object.fromEntries(Object.entries(sample.fast).reverse()),
    } as GpuSample;
    expect(encodeSample(turned)).toEqual(encodeSample(sample));
  });

  it("refuses samples of another GPU, out of order, or from after the end", () => {
    const window = createWindow({ uuid, start_mono_ms: 1000, interval_ms: 1000 });
    expect(() => window.add({ ...sampleAt(2000), uuid: "GPU-other" })).toThrow(
      expect.objectContaining({ code: "WINDOW_SAMPLE_FOREIGN" }),
    );
    expect(() => window.add(sampleAt(999))).toThrow(expect.objectContaining({ code: "WINDOW_SAMPLE_EARLY" }));
    window.add(sampleAt(2000));
    expect(() => window.add(sampleAt(1999))).toThrow(
      expect.objectContaining({ code: "WINDOW_SAMPLE_EARLY" }),
    );
    expect(() => closeWindow(window, 1999)).toThrow(expect.objectContaining({ code: "WINDOW_ENDS_EARLY" }));
  });

  const samplesOf = fc
    .array(
      fc.record({
        gap: fc.nat(5000),
        util: fc.option(fc.integer({ min: 0, max: 1000 })),
        presence: fc.constantFrom(...presences),
      }),
      { maxLength: 70 },
    )
    .map((steps) => {
      let at = 0;
      return steps.map(({ gap, util, presence }) => {
        at += gap;
        const present = presence === "present";
        return sampleAt(at, present ? { util_permille: util } : {}, presence);
      });
    });

  it("never claims more presence than time, nor a mean outside its bounds", () => {
    fc.assert(
      fc.property(samplesOf, fc.nat(5000), (samples, tail) => {
        const end = (samples.at(-1)?.at_mono_ms ?? 0) + tail;
        const { body, raw } = close(samples, end);
        expect(body.present_ms).toBeGreaterThanOrEqual(0);
        expect(body.present_ms).toBeLessThanOrEqual(end);
        expect(raw).toHaveLength(body.samples);
        expect(isBody(body), JSON.stringify(isBody.errors)).toBe(true);
        const utils = samples.flatMap(({ fast }) => fast.util_permille ?? []);
        if (utils.length === 0) expect(body.util_permille).toBeNull();
        else {
          const { min, mean, max } = body.util_permille!;
          expect([min, max]).toEqual([Math.min(...utils), Math.max(...utils)]);
          expect(Number.isInteger(mean)).toBe(true);
          expect(mean).toBeGreaterThanOrEqual(min);
          expect(mean).toBeLessThanOrEqual(max);
        }
        if (!samples.some(({ presence }) => presence === "present")) expect(body.present_ms).toBe(0);
      }),
    );
  });

  it("two windows in a row account for as much presence as one over both", () => {
    const steady = fc.array(fc.integer({ min: 900, max: 1100 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(steady, fc.nat(), (gaps, cut) => {
        let at = 0;
        const samples = gaps.map((gap) => {
          at += gap;
          return sampleAt(at);
        });
        const end = at + 300;
        const middle = cut % end;
        const first = close(
          samples.filter(({ at_mono_ms }) => at_mono_ms <= middle),
          middle,
        );
        const second = close(
          samples.filter(({ at_mono_ms }) => at_mono_ms > middle),
          end,
          middle,
        );
        const both = close(samples, end).body.present_ms;
        expect(both).toBe(end);
        // A half without any sample (shorter than an interval) proves nothing.
        const gap = (first.body.samples === 0 ? middle : 0) + (second.body.samples === 0 ? end - middle : 0);
        expect(first.body.present_ms + second.body.present_ms).toBe(both - gap);
      }),
    );
  });
});

describe("statOf", () => {
  it("rounds halves up, also below zero", () => {
    expect(statOf([1, 2], [1, 1])?.mean).toBe(2);
    expect(statOf([-1, -2], [1, 1])?.mean).toBe(-1);
    expect(statOf([-3, -4, -4], [1, 1, 1])?.mean).toBe(-4);
  });
  it("is exact where doubles are not", () => {
    const big = Number.MAX_SAFE_INTEGER;
    expect(statOf([big, big - 2], [60_000, 60_000])).toEqual({ min: big - 2, mean: big - 1, max: big });
  });
  it("leaves out samples without the reading", () => {
    expect(statOf([null, 10, null], [9000, 1, 9000])).toEqual({ min: 10, mean: 10, max: 10 });
    expect(statOf([null], [1])).toBeNull();
    expect(statOf([], [])).toBeNull();
  });
  it("weighs all the same when they stand for no time", () => {
    expect(statOf([10, 20], [0, 0])?.mean).toBe(15);
  });
  it("equals the mean of the millisecond by millisecond signal", () => {
    const pair = fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 20 }), (pairs) => {
        const signal = pairs.flatMap(([value, weight]) => Array<number>(weight).fill(value));
        const mean = signal.reduce((sum, value) => sum + value, 0) / signal.length;
        const stat = statOf(
          pairs.map(([value]) => value),
          pairs.map(([, weight]) => weight),
        );
        expect(stat?.mean).toBe(Math.floor(mean + 0.5) + 0);
      }),
    );
  });
});

it("weigh: the parts add up to the window when samples are never further apart than three intervals", () => {
  const window = { start_mono_ms: 0, end_mono_ms: 4000, interval_ms: 1000 };
  expect(weigh([1000, 2000, 3500], window)).toEqual([1000, 1000, 2000]);
  expect(weigh([], window)).toEqual([]);
  expect(weigh([0], { ...window, end_mono_ms: 10_000 })).toEqual([3000]);
});

describe("isFault", () => {
  const ecc = (dram_uncorrectable: number | null, sram_uncorrectable: number | null = 0) => ({
    sram_correctable: 0,
    sram_uncorrectable,
    dram_correctable: 0,
    dram_uncorrectable,
  });
  const remap = (pending: boolean | null, failure: boolean | null = false) => ({
    correctable: 0,
    uncorrectable: 0,
    pending,
    failure,
  });
  const of = (health: Partial<HealthReading>, presence: Presence = "present") =>
    sampleAt(1, {}, presence, health);

  it.each<[string, GpuSample | null, GpuSample, boolean]>([
    ["falls off", of({}), of({}, "lost"), true],
    ["vanishes", of({}), of({}, "missing"), true],
    ["is lost from the start", null, of({}, "lost"), true],
    ["is still lost", of({}, "lost"), of({}, "lost"), false],
    ["goes from lost to missing", of({}, "lost"), of({}, "missing"), false],
    ["is lost after a timeout", of({}, "probe_timeout"), of({}, "lost"), true],
    ["does not answer", of({}), of({}, "probe_timeout"), false],
    ["comes back", of({}, "lost"), of({}), false],
    ["DRAM errors rise", of({ ecc_volatile: ecc(0) }), of({ ecc_volatile: ecc(1) }), true],
    ["SRAM errors rise", of({ ecc_volatile: ecc(0, 1) }), of({ ecc_volatile: ecc(0, 2) }), true],
    ["aggregate errors rise", of({ ecc_aggregate: ecc(5) }), of({ ecc_aggregate: ecc(6) }), true],
    ["errors stay", of({ ecc_volatile: ecc(3) }), of({ ecc_volatile: ecc(3) }), false],
    ["errors are cleared", of({ ecc_volatile: ecc(3) }), of({ ecc_volatile: ecc(0) }), false],
    ["errors are first told", of({}), of({ ecc_volatile: ecc(3) }), false],
    ["a remap is pending", of({ remapped_rows: remap(false) }), of({ remapped_rows: remap(true) }), true],
    ["is still pending", of({ remapped_rows: remap(true) }), of({ remapped_rows: remap(true) }), false],
    ["a remap fails", of({ remapped_rows: remap(true) }), of({ remapped_rows: remap(true, true) }), true],
    ["pending from the start", null, of({ remapped_rows: remap(true) }), true],
    ["action", of({ recovery_action: "none" }), of({ recovery_action: "drain_and_reset" }), true],
    ["another action", of({ recovery_action: "reset" }), of({ recovery_action: "reboot" }), true],
    ["same action", of({ recovery_action: "reset" }), of({ recovery_action: "reset" }), false],
    ["action over", of({ recovery_action: "reset" }), of({ recovery_action: "none" }), false],
    ["healthy from the start", null, of({ recovery_action: "none", remapped_rows: remap(false) }), false],
  ])("%s", (_name, previous, current, fault) => expect(isFault(previous, current)).toBe(fault));
});
