import { deflateRawSync } from "node:zlib";

/** Leaves of one window as one blob: raw deflate over each leaf with its length (32-bit, big-endian) before it. */
export function packLeaves(leaves: readonly Buffer[]): Buffer {
  const parts = leaves.flatMap((leaf) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(leaf.length);
    return [length, leaf];
  });
  return deflateRawSync(Buffer.concat(parts), { level: 6 });
}
