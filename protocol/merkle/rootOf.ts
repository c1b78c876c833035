import { createCompactRange } from "./compactRange.js";

/** RFC 6962 §2.1 root of a list of leaf hashes (32 bytes each); the empty list has the empty root. */
export function rootOf(leafHashes: readonly Uint8Array[]): Buffer {
  const range = createCompactRange();
  for (const leaf of leafHashes) range.append(leaf);
  return range.root();
}
