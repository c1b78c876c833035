import { scrypt } from "node:crypto";
import { scryptAsync } from "@noble/hashes/scrypt";
import { keccak256 } from "viem";
import type { Keystore } from "./keystore.js";

type ScryptParams = Keystore["crypto"]["kdfparams"];

/**
 * What a password is worth with a keystore's parameters: the AES-128 key, and the MAC of a ciphertext under it
 * (keccak-256 over the second half of the derived key and the ciphertext).
 */
export async function deriveKeystoreKeys(
  password: string,
  params: ScryptParams,
): Promise<{ key: Buffer; macOf: (ciphertext: Buffer) => Buffer }> {
  const derived = await derive(password, params);
  return {
    key: derived.subarray(0, 16),
    macOf: (ciphertext) =>
      Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]), "bytes")),
  };
}

async function derive(password: string, { n, r, p, salt, dklen }: ScryptParams): Promise<Buffer> {
  const salted = Buffer.from(salt, "hex");
  // RFC 7914 wants n below 2^(16 r), and OpenSSL refuses what is not; the format's own example is such a one.
  if (n >= 2 ** (16 * r))
    return Buffer.from(await scryptAsync(password, salted, { N: n, r, p, dkLen: dklen }));
  // The table of n blocks, one block for each p, and two to work with.
  const maxmem = 128 * r * (n + p + 2);
  return new Promise((resolve, reject) => {
    scrypt(password, salted, dklen, { N: n, r, p, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
