import { CaliberError } from "../errors.js";
import { nodeHash } from "./nodeHash.js";

/**
 * RFC 9162 §2.1.3.2. Every argument may be attacker-controlled.
 *
 * @throws CaliberError INCLUSION_INVALID when the leaf is not shown to be in the tree.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  const error = (why: string) =>
    new CaliberError("INCLUSION_INVALID", `inclusion of leaf ${index} in a tree of ${size}: ${why}`);
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size)
    throw error("out of range");
  if (leaf.length !== 32 || proof.some((part) => part.length !== 32)) throw error("a hash has 32 bytes");
  let fn = index;
  let sn = size - 1;
  let at: Uint8Array = leaf;
  for (const part of proof) {
    if (sn === 0) throw error("proof too long");
    if (fn % 2 === 1 || fn === sn) {
      at = nodeHash(part, at);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      at = nodeHash(at, part);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) throw error("proof too short");
  if (!Buffer.from(at).equals(root)) throw error("root differs");
}
