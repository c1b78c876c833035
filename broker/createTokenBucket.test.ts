import { describe, expect, it } from "vitest";
import { createTokenBucket } from "./createTokenBucket.js";

describe("createTokenBucket", () => {
  it("gives a burst at once, and then the rate", () => {
    const bucket = createTokenBucket(100, 5, 0);
    expect(bucket.take(5, 0)).toBe(0);
    expect(bucket.take(1, 0)).toBe(10);
    expect(bucket.take(1, 10)).toBe(10);
    expect(bucket.take(1, 30)).toBe(0);
  });

  it("saves up no more than a burst, and nothing for a clock set back", () => {
    const bucket = createTokenBucket(100, 5, 0);
    expect(bucket.take(6, 1_000_000)).toBe(10);
    expect(bucket.take(1, 0)).toBe(20);
  });
});
