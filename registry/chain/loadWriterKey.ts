import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";

/**
 * The writer account's secp256k1 key, from a file that nobody else can read; made on first use.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS, KEY_FILE_MALFORMED; no message holds the key.
 */
export function loadWriterKey(path: string): Hex {
  if (!existsSync(path)) {
    // Any 32 bytes below the curve's order are a key; 2^-128 is the chance that these are not.
    writeFileSync(path, `0x${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx", flush: true });
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new CaliberError("KEY_FILE_PERMISSIONS", `${path} can be read by others; chmod 600 it`, {
      disposition: "user",
    });
  }
  const key = readFileSync(path, "utf8").trim();
  if (!/^0x[0-9a-f]{64}$/.test(key)) {
    throw new CaliberError("KEY_FILE_MALFORMED", `${path} does not hold a key`, { disposition: "user" });
  }
  return key as Hex;
}
