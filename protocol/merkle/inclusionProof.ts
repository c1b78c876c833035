/** The root of the perfect subtree of height `level` whose index among its level is `index`. */
export type SubtreeHash = (level: number, index: number) => Uint8Array;

/**
 * RFC 6962 §2.1.1 audit path of leaf `index` in the tree of `size` leaves, from the leaf upward. Reads perfect
 * subtrees only, so any tile or node store can serve it.
 */
export function inclusionProof(
  index: number,
  size: number,
  subtree: SubtreeHash,
  node: NodeHash,
): Uint8Array[] {
  if (!(index >= 0 && index < size))
    throw new RangeError(`inclusion proof: ${index} is not in a tree of ${size}`);
  const path: Uint8Array[] = [];
  let start = 0;
  let length = size;
  const down: { start: number; length: number }[] = [];
  let at = index;
  while (length > 1) {
    const split = largestPowerBelow(length);
    if (at < split) {
      down.push({ start: start + split, length: length - split });
      length = split;
    } else {
      down.push({ start, length: split });
      start += split;
      at -= split;
      length -= split;
    }
  }
  for (const range of down.reverse()) path.push(rangeRoot(range.start, range.length, subtree, node));
  return path;
}

type NodeHash = (left: Uint8Array, right: Uint8Array) => Uint8Array;

/** RFC 6962 §2.1 root of leaves start … start + length - 1, where start is a multiple of every subtree split off. */
export function rangeRoot(start: number, length: number, subtree: SubtreeHash, node: NodeHash): Uint8Array {
  const level = Math.log2(length);
  if (Number.isInteger(level)) return subtree(level, start / length);
  const split = largestPowerBelow(length);
  return node(
    rangeRoot(start, split, subtree, node),
    rangeRoot(start + split, length - split, subtree, node),
  );
}

function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}
