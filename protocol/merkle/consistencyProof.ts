import { rangeRoot, type SubtreeHash } from "./inclusionProof.js";
import { nodeHash } from "./nodeHash.js";

/** RFC 6962 §2.1.2: proof that the tree of `oldSize` leaves is a prefix of the tree of `newSize` leaves. */
export function consistencyProof(oldSize: number, newSize: number, subtree: SubtreeHash): Uint8Array[] {
  if (!(oldSize >= 0 && oldSize <= newSize))
    throw new RangeError(`consistency proof: ${oldSize} > ${newSize}`);
  if (oldSize === 0 || oldSize === newSize) return [];
  return subProof(oldSize, 0, newSize, true, subtree);
}

function subProof(m: number, start: number, n: number, whole: boolean, subtree: SubtreeHash): Uint8Array[] {
  if (m === n) return whole ? [] : [rangeRoot(start, n, subtree, nodeHash)];
  let split = 1;
  while (split * 2 < n) split *= 2;
  if (m <= split) {
    return [
      ...subProof(m, start, split, whole, subtree),
      rangeRoot(start + split, n - split, subtree, nodeHash),
    ];
  }
  return [
    ...subProof(m - split, start + split, n - split, false, subtree),
    rangeRoot(start, split, subtree, nodeHash),
  ];
}
