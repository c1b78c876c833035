import { CaliberError } from "../errors.js";
import { emptyRoot } from "./emptyRoot.js";
import { nodeHash } from "./nodeHash.js";

/**
 * RFC 9162 §2.1.4.2. Every argument may be attacker-controlled.
 *
 * @throws CaliberError CONSISTENCY_INVALID when the old tree is not shown to be a prefix of the new one.
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
): void {
  const error = (why: string) =>
    new CaliberError("CONSISTENCY_INVALID", `consistency proof ${oldSize} -> ${newSize}: ${why}`);
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 0 || oldSize > newSize) {
    throw error("sizes out of order");
  }
  if (oldSize === newSize || oldSize === 0) {
    if (proof.length !== 0) throw error("proof must be empty");
    if (oldSize === 0 ? !emptyRoot.equals(oldRoot) : !Buffer.from(oldRoot).equals(newRoot))
      throw error("roots differ");
    return;
  }
  if (oldRoot.length !== 32 || proof.some((part) => part.length !== 32)) throw error("a hash has 32 bytes");
  const path = [...proof];
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (fn % 2 === 1) {
    fn = (fn - 1) / 2;
    sn = Math.floor(sn / 2);
  }
  const first = fn === 0 ? oldRoot : path.shift();
  if (first === undefined) throw error("proof too short");
  let fr: Uint8Array = first;
  let sr: Uint8Array = first;
  for (const part of path) {
    if (sn === 0) throw error("proof too long");
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(part, fr);
      sr = nodeHash(part, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = nodeHash(sr, part);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) throw error("proof too short");
  if (!Buffer.from(fr).equals(oldRoot)) throw error("old root differs");
  if (!Buffer.from(sr).equals(newRoot)) throw error("new root differs");
}
