import { emptyRoot } from "./emptyRoot.js";
import { nodeHash } from "./nodeHash.js";

export type CompactRange = {
  size(): number;
  /** Takes the next leaf hash (32 bytes). */
  append(leaf: Uint8Array): void;
  /** Root over all leaves so far. */
  root(): Buffer;
};

/**
 * The right edge of a growing RFC 6962 tree: one hash per set bit of the size, largest subtree first. Appending
 * costs one hash amortized, a root at most log2(size).
 *
 * @param start size and subtree roots (largest first) of a tree to go on from.
 */
export function createCompactRange(start?: { size: number; hashes: readonly Uint8Array[] }): CompactRange {
  let size = start?.size ?? 0;
  const hashes: Uint8Array[] = [...(start?.hashes ?? [])];
  if (hashes.length !== bitCount(size))
    throw new RangeError("compact range: one hash per set bit of the size");
  return {
    size: () => size,
    append(leaf) {
      let carry = leaf;
      // Sizes pass 2^31: no bit operators on numbers here.
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) carry = nodeHash(hashes.pop()!, carry);
      hashes.push(carry);
      size += 1;
    },
    root() {
      if (hashes.length === 0) return emptyRoot;
      let at = hashes[hashes.length - 1]!;
      for (let i = hashes.length - 2; i >= 0; i -= 1) at = nodeHash(hashes[i]!, at);
      return Buffer.from(at);
    },
  };
}

function bitCount(n: number): number {
  let bits = 0;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}
