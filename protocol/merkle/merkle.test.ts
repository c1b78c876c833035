import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/rfc6962.json" with { type: "json" };
import { createCompactRange } from "./compactRange.js";
import { consistencyProof } from "./consistencyProof.js";
import { inclusionProof, type SubtreeHash } from "./inclusionProof.js";
import { leafHash } from "./leafHash.js";
import { nodeHash } from "./nodeHash.js";
import { rootOf } from "./rootOf.js";
import { verifyConsistency } from "./verifyConsistency.js";
import { verifyInclusion } from "./verifyInclusion.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const hex = (part: Uint8Array) => Buffer.from(part).toString("hex");
const refusal = (code: string) => expect.objectContaining({ code });

/** RFC 6962 §2.1, straight from its recursive definition. */
function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return createHash("sha256").digest();
  if (leaves.length === 1) return Buffer.from(leaves[0]!);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const parts = [Buffer.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split))];
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

const largest = 300;
const leaves = Array.from({ length: largest }, (_, i) => leafHash(Buffer.from(String(i))));
const roots = Array.from({ length: largest + 1 }, (_, size) => rootOf(leaves.slice(0, size)));
const levels: Uint8Array[][] = [leaves];
while (levels.at(-1)!.length > 1) {
  const below = levels.at(-1)!;
  levels.push(
    Array.from({ length: Math.floor(below.length / 2) }, (_, i) =>
      nodeHash(below[2 * i]!, below[2 * i + 1]!),
    ),
  );
}
const subtree: SubtreeHash = (level, index) => {
  const found = levels[level]?.[index];
  if (found === undefined) throw new Error(`no perfect subtree ${level}/${index}`);
  return found;
};
const size = fc.integer({ min: 1, max: largest });

describe("the tree of Certificate Transparency's tests", () => {
  const ctLeaves = vector.leaves.map((leaf) => leafHash(bytes(leaf)));

  it("has the published leaf hashes and roots", () => {
    expect(ctLeaves.map(hex)).toEqual(vector.leaf_hashes);
    vector.roots.forEach((root, n) => {
      expect(hex(rootOf(ctLeaves.slice(0, n)))).toBe(root);
    });
  });

  it.each([...vector.inclusion, ...vector.all_inclusion])(
    "includes leaf $index of $size",
    ({ index, size, proof }) => {
      const root = bytes(vector.roots[size]!);
      expect(() => verifyInclusion(ctLeaves[index]!, index, size, proof.map(bytes), root)).not.toThrow();
    },
  );

  it.each(vector.refused_inclusion)("refuses: $name", ({ index, size, proof, code }) => {
    const root = bytes(vector.roots[8]!);
    expect(() => verifyInclusion(ctLeaves[0]!, index, size, proof.map(bytes), root)).toThrow(refusal(code));
  });

  it.each(vector.consistency)("shows $old_size as a prefix of $new_size", ({ old_size, new_size, proof }) => {
    const [oldRoot, newRoot] = [bytes(vector.roots[old_size]!), bytes(vector.roots[new_size]!)];
    expect(() => verifyConsistency(old_size, new_size, proof.map(bytes), oldRoot, newRoot)).not.toThrow();
  });

  it.each(vector.roots_of_sizes)("has the root of $size leaves", ({ size, root }) => {
    const range = createCompactRange();
    for (let i = 0; i < size; i += 1) range.append(leafHash(Buffer.from(String(i))));
    expect(hex(range.root())).toBe(root);
  });
});

describe("compact range", () => {
  it("equals the recursive definition for every size up to 300", () => {
    for (let n = 0; n <= largest; n += 1) expect(hex(roots[n]!)).toBe(hex(naiveRoot(leaves.slice(0, n))));
  });

  it("goes on from the subtree roots of any size", () => {
    fc.assert(
      fc.property(fc.nat(largest), (n) => {
        const hashes: Uint8Array[] = [];
        let from = 0;
        for (let level = 8; level >= 0; level -= 1) {
          if ((n >> level) & 1) {
            hashes.push(subtree(level, from >> level));
            from += 2 ** level;
          }
        }
        const range = createCompactRange({ size: n, hashes });
        expect(range.root()).toEqual(roots[n]);
        for (const leaf of leaves.slice(n)) range.append(leaf);
        expect(range.size()).toBe(largest);
        expect(range.root()).toEqual(roots[largest]);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses to start with another number of hashes than the size has bits", () => {
    expect(() => createCompactRange({ size: 3, hashes: [leaves[0]!] })).toThrow(RangeError);
    expect(() => createCompactRange({ size: 2 ** 40 + 1, hashes: [leaves[0]!] })).toThrow(RangeError);
  });

  it("carries through 32 full levels at once", () => {
    const hashes = leaves.slice(0, 32);
    const range = createCompactRange({ size: 2 ** 32 - 1, hashes });
    range.append(leaves[32]!);
    expect(range.root()).toEqual(hashes.reduceRight((right, left) => nodeHash(left, right), leaves[32]!));
    range.append(leaves[33]!);
    expect(range.root()).toEqual(
      nodeHash(
        hashes.reduceRight((right, left) => nodeHash(left, right), leaves[32]!),
        leaves[33]!,
      ),
    );
  });

  it("appends at sizes past 2^31", () => {
    const before = 2 ** 33 + 1;
    const range = createCompactRange({ size: before, hashes: [leaves[0]!, leaves[1]!] });
    range.append(leaves[2]!);
    expect(range.size()).toBe(before + 1);
    expect(range.root()).toEqual(nodeHash(leaves[0]!, nodeHash(leaves[1]!, leaves[2]!)));
  });
});

describe("inclusion proofs", () => {
  it("verify for every leaf of every size up to 64, and for the edges up to 300", () => {
    for (let n = 1; n <= largest; n += 1) {
      const wanted = n <= 64 ? leaves.slice(0, n).keys() : [0, n >> 1, n - 2, n - 1];
      for (const index of wanted) {
        const proof = inclusionProof(index, n, subtree, nodeHash);
        expect(() => verifyInclusion(leaves[index]!, index, n, proof, roots[n]!)).not.toThrow();
      }
    }
  });

  it("fail with any bit changed, for any other leaf, index or size", () => {
    const place = size.chain((n) => fc.record({ n: fc.constant(n), index: fc.nat(n - 1) }));
    fc.assert(
      fc.property(place, fc.nat(), size, fc.nat(largest - 1), ({ n, index }, bit, otherSize, otherIndex) => {
        const proof = inclusionProof(index, n, subtree, nodeHash);
        const fails = (leaf: Uint8Array, at: number, of: number, path: Uint8Array[], root: Uint8Array) =>
          expect(() => verifyInclusion(leaf, at, of, path, root)).toThrow(refusal("INCLUSION_INVALID"));
        const leaf = leaves[index]!;
        const root = roots[n]!;
        proof.forEach((part, i) => {
          fails(leaf, index, n, proof.with(i, flip(part, bit)), root);
        });
        fails(flip(leaf, bit), index, n, proof, root);
        fails(leaf, index, n, proof, flip(root, bit));
        fails(leaf, index, n, [...proof, leaf], root);
        if (proof.length > 0) fails(leaf, index, n, proof.slice(1), root);
        if (otherIndex !== index) fails(leaf, otherIndex, n, proof, root);
        if (otherIndex !== index) fails(leaves[otherIndex]!, index, n, proof, root);
        if (otherSize !== n) fails(leaf, index, otherSize, proof, roots[otherSize]!);
      }),
    );
  });

  it("does not take a hash of another length, whatever was hashed before", () => {
    const proof = inclusionProof(0, 2, subtree, nodeHash);
    // The empty part would leave the right bytes of the call before in a reused buffer.
    verifyInclusion(leaves[0]!, 0, 2, proof, roots[2]!);
    for (const bad of [Buffer.alloc(0), proof[0]!.subarray(1), Buffer.concat([proof[0]!, Buffer.of(0)])]) {
      expect(() => verifyInclusion(leaves[0]!, 0, 2, [bad], roots[2]!)).toThrow(refusal("INCLUSION_INVALID"));
    }
    expect(() => verifyInclusion(Buffer.alloc(0), 0, 2, proof, roots[2]!)).toThrow(
      refusal("INCLUSION_INVALID"),
    );
  });

  it("do not end at a hash that happens to be the root, with the way there left out", () => {
    const whole = roots[4]!;
    expect(() => verifyInclusion(whole, 0, 4, [], whole)).toThrow(refusal("INCLUSION_INVALID"));
    expect(() => verifyInclusion(subtree(1, 0), 0, 4, [subtree(1, 1)], whole)).toThrow(
      refusal("INCLUSION_INVALID"),
    );
  });

  it("do not go on past the root", () => {
    expect(() => verifyInclusion(leaves[1]!, 0, 1, [leaves[0]!], roots[2]!)).toThrow(
      refusal("INCLUSION_INVALID"),
    );
  });

  it("does not take a node for a leaf", () => {
    expect(() => verifyInclusion(roots[2]!, 0, 2, [subtree(1, 1)], roots[4]!)).not.toThrow();
    // The same 64 bytes as data of a leaf have another hash: the prefix tells leaf and node apart.
    const asLeaf = leafHash(Buffer.concat([leaves[0]!, leaves[1]!]));
    expect(asLeaf.equals(roots[2]!)).toBe(false);
    expect(() => verifyInclusion(asLeaf, 0, 2, [subtree(1, 1)], roots[4]!)).toThrow(
      refusal("INCLUSION_INVALID"),
    );
  });

  it.each([
    [-1, 3],
    [3, 3],
    [0, 0],
    [0.5, 3],
    [Number.NaN, 3],
    [0, Number.POSITIVE_INFINITY],
    [0, 2 ** 53],
  ])("refuses index %d of size %d", (index, of) => {
    expect(() => verifyInclusion(leaves[0]!, index, of, [], roots[1]!)).toThrow(refusal("INCLUSION_INVALID"));
  });

  it("of a place outside the tree is a programming error", () => {
    expect(() => inclusionProof(3, 3, subtree, nodeHash)).toThrow(RangeError);
    expect(() => inclusionProof(-1, 3, subtree, nodeHash)).toThrow(RangeError);
  });
});

describe("consistency proofs", () => {
  it("verify between all sizes up to 40, and from any to any up to 300", () => {
    const check = (old: number, n: number) => {
      const proof = consistencyProof(old, n, subtree);
      expect(() => verifyConsistency(old, n, proof, roots[old]!, roots[n]!)).not.toThrow();
    };
    for (let n = 0; n <= 40; n += 1) for (let old = 0; old <= n; old += 1) check(old, n);
    fc.assert(fc.property(size, size, (a, b) => check(Math.min(a, b), Math.max(a, b))));
  });

  it("fail with any bit changed, and between other trees", () => {
    const pair = size
      .filter((n) => n > 1)
      .chain((n) => fc.record({ n: fc.constant(n), old: fc.integer({ min: 1, max: n - 1 }) }));
    fc.assert(
      fc.property(pair, fc.nat(), size, ({ n, old }, bit, other) => {
        const proof = consistencyProof(old, n, subtree);
        const fails = (
          from: number,
          to: number,
          path: Uint8Array[],
          oldRoot: Uint8Array,
          newRoot: Uint8Array,
        ) =>
          expect(() => verifyConsistency(from, to, path, oldRoot, newRoot)).toThrow(
            refusal("CONSISTENCY_INVALID"),
          );
        proof.forEach((part, i) => {
          fails(old, n, proof.with(i, flip(part, bit)), roots[old]!, roots[n]!);
        });
        fails(old, n, proof, flip(roots[old]!, bit), roots[n]!);
        fails(old, n, proof, roots[old]!, flip(roots[n]!, bit));
        fails(old, n, proof.slice(1), roots[old]!, roots[n]!);
        fails(old, n, [...proof, leaves[0]!], roots[old]!, roots[n]!);
        if (other !== old) fails(old, n, proof, roots[other]!, roots[n]!);
        if (other !== n) fails(old, n, proof, roots[old]!, roots[other]!);
      }),
    );
  });

  it("show a rewritten history as one", () => {
    const rewritten = leaves.with(3, leafHash(Buffer.from("rewritten")));
    const newRoot = rootOf(rewritten.slice(0, 20));
    const rows: Uint8Array[][] = [rewritten];
    while (rows.at(-1)!.length > 1) {
      const below = rows.at(-1)!;
      rows.push(
        Array.from({ length: Math.floor(below.length / 2) }, (_, i) =>
          nodeHash(below[2 * i]!, below[2 * i + 1]!),
        ),
      );
    }
    const proof = consistencyProof(10, 20, (level, index) => rows[level]![index]!);
    expect(() => verifyConsistency(10, 20, proof, roots[10]!, newRoot)).toThrow(
      refusal("CONSISTENCY_INVALID"),
    );
  });

  it.each([
    [3, 2],
    [-1, 2],
    [1.5, 2],
    [1, Number.NaN],
    [0, 2 ** 53],
  ])("refuse the sizes %d and %d", (old, n) => {
    expect(() => verifyConsistency(old, n, [], roots[1]!, roots[1]!)).toThrow(refusal("CONSISTENCY_INVALID"));
  });

  it("from the empty tree need its root and no proof", () => {
    expect(() => verifyConsistency(0, 5, [], roots[0]!, roots[5]!)).not.toThrow();
    expect(() => verifyConsistency(0, 5, [], roots[1]!, roots[5]!)).toThrow(refusal("CONSISTENCY_INVALID"));
    expect(() => verifyConsistency(0, 5, [leaves[0]!], roots[0]!, roots[5]!)).toThrow(
      refusal("CONSISTENCY_INVALID"),
    );
  });

  it("do not take a hash of another length", () => {
    const [first, ...rest] = consistencyProof(6, 8, subtree);
    for (const bad of [Buffer.alloc(0), first!.subarray(1), Buffer.concat([first!, Buffer.of(0)])]) {
      expect(() => verifyConsistency(6, 8, [bad, ...rest], roots[6]!, roots[8]!)).toThrow(
        refusal("CONSISTENCY_INVALID"),
      );
    }
  });

  it("do not pass one tree for a larger one", () => {
    expect(() => verifyConsistency(4, 8, [], roots[4]!, roots[4]!)).toThrow(refusal("CONSISTENCY_INVALID"));
  });

  it("to a smaller tree are a programming error", () => {
    expect(() => consistencyProof(3, 2, subtree)).toThrow(RangeError);
  });
});

function flip(part: Uint8Array, bit: number): Buffer {
  const out = Buffer.from(part);
  out[(bit >> 3) % out.length]! ^= 1 << (bit & 7);
  return out;
}
