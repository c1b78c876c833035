import { createCipheriv, randomBytes, randomUUID } from "node:crypto";
import type { Hex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { deriveKeystoreKeys } from "./deriveKeystoreKeys.js";
import type { Keystore } from "./keystore.js";

/** What geth uses: 256 MiB, most of a second. */
const scrypt_n = 2 ** 18;

/** Seals a private key under a password. @param n scrypt's cost, a power of two */
export async function sealKeystore(secret: Hex, password: string, n: number = scrypt_n): Promise<Keystore> {
  const kdfparams = { dklen: 32, n, r: 8, p: 1, salt: randomBytes(32).toString("hex") } as const;
  const { key, macOf } = await deriveKeystoreKeys(password, kdfparams);
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-128-ctr", key, iv);
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(secret.slice(2), "hex")), cipher.final()]);
  return {
    version: 3,
    id: randomUUID(),
    address: privateKeyToAddress(secret).slice(2).toLowerCase(),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: iv.toString("hex") },
      ciphertext: ciphertext.toString("hex"),
      kdf: "scrypt",
      kdfparams,
      mac: macOf(ciphertext).toString("hex"),
    },
  };
}
