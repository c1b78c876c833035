import { hash } from "node:crypto";

/** A host's id: "h-" and the first 128 bits of SHA-256 over its key's canonical SPKI, in hex. */
export function hostIdOf(spki: Buffer): string {
  return `h-${hash("sha256", spki, "hex").slice(0, 32)}`;
}
