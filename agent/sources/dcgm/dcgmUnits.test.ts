import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStaleness } from "./createStaleness.js";
import { createXidEdges } from "./createXidEdges.js";
import { decimalOf } from "./decimalOf.js";
import { gpusOf } from "./gpusOf.js";
import { isBlank } from "./isBlank.js";
import { parsePrometheusText } from "./parsePrometheusText.js";
import { smActivityOf, smActivityOfInstances } from "./smActivity.js";

describe("parsePrometheusText", () => {
  const read = (text: string) => {
    const { samples, badLines, firstBad } = parsePrometheusText(text);
    return {
      badLines,
      firstBad,
      samples: samples.map(({ labels, ...rest }) => ({ ...rest, labels: Object.fromEntries(labels) })),
    };
  };

  it("reads names, labels with escapes, values, times and exemplars", () => {
    const text = [
      "# HELP a_total What it is.",
      "# TYPE a_total counter",
      'a_total{x="1",y="a\\"b\\\\c\\nd",} 12 1740327858123',
      "b -1.5e+3",
      'c{} NaN # {id="7"} 0.5 1740327858.5',
      "d:e\t+Inf\t1740327858.25\r",
      ' f { x = "1" , y = "}" } .5',
      "",
    ].join("\n");
    expect(read(text)).toEqual({
      badLines: 0,
      firstBad: null,
      samples: [
        { name: "a_total", labels: { x: "1", y: 'a"b\\c\nd' }, value: "12", at_ms: 1_740_327_858_123 },
        { name: "b", labels: {}, value: "-1.5e+3", at_ms: null },
        { name: "c", labels: {}, value: "NaN", at_ms: null },
        { name: "d:e", labels: {}, value: "+Inf", at_ms: 1_740_327_858_250 },
        { name: "f", labels: { x: "1", y: "}" }, value: ".5", at_ms: null },
      ],
    });
  });

  it.each([
    "9a 1",
    "a",
    "a{} ",
    "a 1 2 3",
    "a 0x10",
    "a 1_000",
    "a one",
    "a 1 soon",
    'a{x="1"',
    'a{x="1} 1',
    "a{x=1} 1",
    'a{x="1" y="2"} 1',
    'a{x="1",x="2"} 1',
    'a{x="\\t"} 1',
    'a{="1"} 1',
    "a{,} 1",
    `a{x="${"y".repeat(20_000)}"} 1`,
    "<html>",
  ])("counts as bad, and keeps the lines around it: %s", (line) => {
    const { samples, badLines, firstBad } = read(`good 1\n${line}\nbetter 2\n`);
    expect({ badLines, firstBad }).toEqual({ badLines: 1, firstBad: 2 });
    expect(samples.map(({ name }) => name)).toEqual(["good", "better"]);
  });

  it("looks no further at what is not wanted, and stops at OpenMetrics' end", () => {
    const { samples, badLines } = parsePrometheusText("a 1\nb x\nc 3\n# EOF\na 4", (name) => name === "a");
    expect(samples).toHaveLength(1);
    expect(badLines).toBe(0);
  });

  it("never throws or hangs, whatever is damaged", () => {
    const line = 'DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-c4",Hostname="a\\"b"} 113.611000 1740327858123\n';
    const text = line.repeat(3);
    const started = performance.now();
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(40), fc.string({ unit: "binary" }), (at, cut, put) => {
        const { samples } = parsePrometheusText(text.slice(0, at) + put + text.slice(at + cut));
        for (const { value } of samples)
          expect(value).toMatch(/^[+-]?(?:[\d.]+(?:e[+-]?\d+)?|inf(inity)?|nan)$/i);
      }),
      { numRuns: 2000 },
    );
    for (const flood of [
      'a{x="',
      "a{".repeat(1e6),
      `a{${'x="1",'.repeat(1e6)}`,
      `a ${"1".repeat(1e6)}x`,
      "\n".repeat(1e6),
    ]) {
      const before = performance.now();
      parsePrometheusText(flood);
      expect(performance.now() - before).toBeLessThan(1000);
    }
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe("decimalOf", () => {
  it.each<[string, number, bigint | null]>([
    ["5551899580", 0, 5_551_899_580n],
    ["5.55189958e+09", 0, 5_551_899_580n],
    ["9007199254740993", 0, 9_007_199_254_740_993n],
    ["113.611000", 3, 113_611n],
    ["-0.5", 3, -500n],
    ["-0.0004", 3, 0n],
    [".5", 1, 5n],
    ["5.", 0, 5n],
    ["1e-3", 3, 1n],
    ["1e-30", 3, 0n],
    ["1e300", 0, null],
    ["1e999999999", 0, null],
    ["NaN", 0, null],
    ["+Inf", 0, null],
    ["", 0, null],
    [".", 0, null],
    ["0x10", 0, null],
  ])("%s with %i more digits is %s", (text, shift, value) => expect(decimalOf(text, shift)).toBe(value));

  it("is exact for every integer and every cut decimal", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (value) => {
        expect(decimalOf(String(value))).toBe(value);
        expect(decimalOf(`${value}.999`)).toBe(value);
        expect(decimalOf(`${value}e2`)).toBe(value * 100n);
      }),
    );
  });
});

it.each([
  ["9223372036854775792", true],
  ["9223372036854775794", true],
  ["9223372036854775795", true],
  ["9.223372036854776e+18", true],
  ["2147483632", true],
  ["2147483635", true],
  ["2147483636", false],
  ["140737488355328.000000", true],
  ["140737488355331", true],
  ["NaN", true],
  ["+Inf", true],
  ["0", false],
  ["5551899580", false],
])("isBlank: %s is %s", (value, blank) => expect(isBlank(value)).toBe(blank));

describe("SM activity", () => {
  it("is permille of what the GPU says, more than one as one and flagged", () => {
    expect(smActivityOf("0.156205")).toEqual({ permille: 156, above: false, unknown: false });
    expect(smActivityOf("1.000000")).toEqual({ permille: 1000, above: false, unknown: false });
    expect(smActivityOf("1.000001")).toEqual({ permille: 1000, above: true, unknown: false });
    for (const none of [null, "-0.1", "NaN"]) expect(smActivityOf(none).permille).toBeNull();
  });
  const of = (model: string, slices: number | null, ...instances: [string | null, string | null][]) =>
    smActivityOfInstances(
      instances.map(([profile, sm_active]) => ({ profile, sm_active })),
      model,
      slices,
    );
  it("weighs instances by their slices of the whole GPU, given to somebody or not", () => {
    expect(of("H100", null, ["3g.40gb", "1.0"], ["4g.40gb", "0.5"]).permille).toBe(714);
    expect(of("H100", null, ["1g.10gb", "1.0"]).permille).toBe(142);
    expect(of("H100", null, ["1g.10gb+me", "1.0"]).permille).toBe(142);
    expect(of("H100", null, ["7g.79gb", "0.5"]).permille).toBe(500);
    expect(of("NVIDIA A30", null, ["2g.12gb", "1.0"]).permille).toBe(500);
    expect(of("H100", 8, ["4g.40gb", "1.0"]).permille).toBe(500);
    // More slices than the model should have: never more than all of them.
    expect(of("NVIDIA A30", null, ["4g.24gb", "1.0"], ["4g.24gb", "1.0"]).permille).toBe(1000);
  });
  it("is not known when one instance's is not, and flags what is above one", () => {
    expect(of("H100", null, ["3g.40gb", "1.0"], ["4g.40gb", null])).toMatchObject({ permille: null });
    expect(of("H100", null, ["3g.40gb", "1.0"], [null, "1.0"])).toMatchObject({
      permille: null,
      unknown: true,
    });
    expect(of("H100", null, ["7g.80gb", "1.4"])).toEqual({ permille: 1000, above: true, unknown: false });
    expect(of("H100", null)).toMatchObject({ permille: null });
  });
});

const uuid = "GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005";
const scrape = (...lines: string[]) => gpusOf(parsePrometheusText(lines.join("\n")).samples, 0)[0]!;

it("an Xid gauge tells only what changes after a GPU was first seen", () => {
  const edges = createXidEdges();
  const gauge = (value: string) => scrape(`DCGM_FI_DEV_XID_ERRORS{UUID="${uuid}"} ${value}`);
  const none = scrape(`DCGM_FI_DEV_GPU_TEMP{UUID="${uuid}"} 30`);
  expect(edges("a", gauge("31"))).toEqual([]);
  expect(edges("a", gauge("31"))).toEqual([]);
  expect(edges("a", gauge("79"))).toEqual([79]);
  expect(edges("a", none)).toEqual([]);
  expect(edges("a", gauge("79"))).toEqual([]);
  expect(edges("a", gauge("2147483632"))).toEqual([]);
  expect(edges("a", gauge("31"))).toEqual([31]);
  expect(edges("b", none)).toEqual([]);
  expect(edges("b", gauge("0"))).toEqual([]);
  expect(edges("b", gauge("48"))).toEqual([48]);
  // An exporter that was restarted: the same Xid is another one.
  expect(edges("b", gauge("0"))).toEqual([]);
  expect(edges("b", gauge("48"))).toEqual([48]);
  // No Xid at all: what it showed before stands.
  expect(edges("b", gauge("-1"))).toEqual([]);
  expect(edges("b", gauge("48"))).toEqual([]);
  expect(
    edges(
      "b",
      scrape(
        `DCGM_FI_DEV_XID_ERRORS{UUID="${uuid}",err_code="48"} 48`,
        `DCGM_FI_DEV_XID_ERRORS{UUID="${uuid}",err_code="64"} 64`,
      ),
    ),
  ).toEqual([64]);
});

it("an energy counter that stands still for minutes is an old answer", () => {
  const isStale = createStaleness();
  expect(isStale("a", "5", 0)).toBe(false);
  expect(isStale("a", "5", 149_999)).toBe(false);
  expect(isStale("a", "5", 150_000)).toBe(true);
  expect(isStale("a", "6", 160_000)).toBe(false);
  expect(isStale("a", "5", 170_000)).toBe(false);
  expect(isStale("b", undefined, 1e9)).toBe(false);
  expect(isStale("b", undefined, 2e9)).toBe(false);
});
