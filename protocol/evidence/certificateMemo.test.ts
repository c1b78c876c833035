import { describe, expect, it } from "vitest";
import { certificateMemo } from "./certificateMemo.js";
import { syntheticDevice } from "./testing/syntheticDevice.js";

const [one, two, three] = syntheticDevice().certificates as [Buffer, Buffer, Buffer];

describe("certificateMemo", () => {
  it("gives what it kept for the very same bytes, and reads all others", () => {
    const memo = certificateMemo(8);
    const first = memo.read(one);
    expect(memo.read(one)).not.toBe(first);
    memo.keep(first);
    expect(memo.read(Buffer.from(one))).toBe(first);
    expect(memo.read(two).sha256).not.toBe(first.sha256);
    const changed = Buffer.from(one);
    changed[changed.length - 1]! ^= 1;
    expect(memo.read(changed)).not.toBe(first);
  });

  it("forgets the oldest", () => {
    const memo = certificateMemo(2);
    const read = [one, two, three].map((der) => memo.read(der));
    for (const certificate of [...read, read[2]!]) memo.keep(certificate);
    expect(memo.read(one)).not.toBe(read[0]);
    expect(memo.read(two)).toBe(read[1]);
    expect(memo.read(three)).toBe(read[2]);
  });
});
