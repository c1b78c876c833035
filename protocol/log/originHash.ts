import { hash } from "node:crypto";

/** The log's name on chain: SHA-256 of the origin line, 0x-hex. */
export function originHash(origin: string): `0x${string}` {
  return `0x${hash("sha256", origin, "hex")}`;
}
