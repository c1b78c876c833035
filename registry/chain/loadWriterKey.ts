import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { loadOrCreatePrivateFile } from "../keys/loadOrCreatePrivateFile.js";

/**
 * The writer account's secp256k1 key, from a file that nobody else can read; made on first use.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS, KEY_FILE_MALFORMED; no message holds the key.
 */
export function loadWriterKey(path: string): Hex {
  // Any 32 bytes below the curve's order are a key; 2^-128 is the chance that these are not.
  const key = loadOrCreatePrivateFile(path, () => `0x${randomBytes(32).toString("hex")}\n`).trim();
  if (!/^0x[0-9a-f]{64}$/.test(key)) {
    throw new CaliberError("KEY_FILE_MALFORMED", `${path} does not hold a key`, { disposition: "user" });
  }
  return key as Hex;
}
