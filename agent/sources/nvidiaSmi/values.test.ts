import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { busIdOf, countOf, flagOf, givenOf, saysLost, scaledOf, textOf, uuidOf, wordsOf } from "./values.js";

const spellings = [
  undefined,
  "",
  "  ",
  "N/A",
  "[N/A]",
  "None",
  "GPU is lost",
  "[GPU is lost]",
  "Insufficient Permissions",
  "[Insufficient Permissions]",
  "Requested functionality has been deprecated",
  "[Requested functionality has been deprecated]",
  "[Not Supported]",
  "Not Supported",
  "ERR!",
  "[Unknown Error]",
  "Unknown Error",
];

describe("no value", () => {
  it.each(spellings)("%j is null for every reader", (text) => {
    expect(givenOf(text)).toBeNull();
    expect(textOf(text, 64)).toBeNull();
    expect(scaledOf(text, 1, 0, 100)).toBeNull();
    expect(countOf(text)).toBeNull();
    expect(flagOf(text)).toBeNull();
    expect(uuidOf(text)).toBeNull();
    expect(busIdOf(text)).toBeNull();
  });

  it("None is a value only where NVIDIA means a word by it", () => {
    expect(wordsOf("None", 48)).toBe("none");
    for (const text of spellings.filter((text) => text !== "None")) expect(wordsOf(text, 48)).toBeNull();
  });

  it("saysLost knows both spellings and nothing else", () => {
    expect(spellings.filter(saysLost)).toEqual(["GPU is lost", "[GPU is lost]"]);
  });
});

describe("scaledOf", () => {
  it.each([
    ["68.57 W", 1000, 68_570],
    ["700.00 W", 1000, 700_000],
    ["0.10", 1000, 100],
    ["12 %", 10, 120],
    ["100", 10, 1000],
    ["-8 C", 1000, -8000],
    ["16x", 1, 16],
    ["81559 MiB", 1, 81_559],
    ["2.9999", 1000, 2999],
    ["-0.4", 1, 0],
  ] as const)("%j at scale %d is %d", (text, scale, expected) => {
    const value = scaledOf(text, scale, -1_000_000, 1_000_000);
    expect(value).toBe(expected);
    expect(Object.is(value, -0)).toBe(false);
  });

  it.each(["1e3", "0x10", "1,5", "12 % 13", "NaN", "Infinity", "--1", "1.2.3", "9007199254740993", "٣"])(
    "%j is no number",
    (text) => expect(scaledOf(text, 1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBeNull(),
  );

  it("gives nothing out of range", () => {
    expect(scaledOf("101 %", 10, 0, 1000)).toBeNull();
    expect(scaledOf("-1 W", 1000, 0, 1000)).toBeNull();
  });

  it("reads back every watt figure with two decimals exactly", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (centi) => {
        const text = `${Math.floor(centi / 100)}.${String(centi % 100).padStart(2, "0")} W`;
        expect(scaledOf(text, 1000, 0, Number.MAX_SAFE_INTEGER)).toBe(centi * 10);
      }),
    );
  });
});

describe("identifiers", () => {
  it("takes one spelling of a UUID and nothing that could be a path", () => {
    expect(uuidOf("GPU-AB9BE520-568C-2C39-918D-93D1B469EACC")).toBe(
      "GPU-ab9be520-568c-2c39-918d-93d1b469eacc",
    );
    for (const text of ["../../etc", "MIG-ab9be520-568c-2c39-918d-93d1b469eacc", "GPU-1", "GPU-ab9be520"]) {
      expect(uuidOf(text)).toBeNull();
    }
  });

  it("gives one spelling of a PCI address", () => {
    expect(busIdOf("0000:0A:00.0")).toBe("00000000:0a:00.0");
    expect(busIdOf("00000000:0a:00.0")).toBe("00000000:0a:00.0");
  });

  it("refuses text that is too long or not printable ASCII", () => {
    expect(textOf("x".repeat(64), 64)).toHaveLength(64);
    expect(textOf("x".repeat(65), 64)).toBeNull();
    expect(textOf("a\u0007b", 64)).toBeNull();
    expect(textOf("Ωmega", 64)).toBeNull();
  });

  it("turns NVIDIA's words into a token", () => {
    expect(wordsOf("Drain and Reset", 48)).toBe("drain_and_reset");
    expect(wordsOf("Drain P2P", 48)).toBe("drain_p2p");
    expect(wordsOf("x".repeat(49), 48)).toBeNull();
    expect(wordsOf("<script>", 48)).toBeNull();
  });
});

it("no reader throws or gives 0 for text without a digit", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
      const bare = text.replace(/\d/g, "");
      expect(scaledOf(bare, 10, -1000, 1000)).toBeNull();
      expect(countOf(bare)).toBeNull();
      for (const read of [flagOf, uuidOf, busIdOf, givenOf]) read(text);
    }),
  );
});
