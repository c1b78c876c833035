import { createDecipheriv, timingSafeEqual } from "node:crypto";
import type { Hex } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { CaliberError } from "../../../protocol/errors.js";
import { deriveKeystoreKeys } from "./deriveKeystoreKeys.js";
import type { Keystore } from "./keystore.js";

/**
 * The private key in a keystore.
 *
 * @throws CaliberError KEYSTORE_PASSWORD_WRONG; KEYSTORE_MALFORMED when the key is not that of the address in it
 */
export async function openKeystore({ crypto, address }: Keystore, password: string): Promise<Hex> {
  const { key, macOf } = await deriveKeystoreKeys(password, crypto.kdfparams);
  const ciphertext = Buffer.from(crypto.ciphertext, "hex");
  if (!timingSafeEqual(macOf(ciphertext), Buffer.from(crypto.mac, "hex"))) {
    throw new CaliberError("KEYSTORE_PASSWORD_WRONG", "the password does not open the keystore", {
      disposition: "user",
    });
  }
  const cipher = createDecipheriv("aes-128-ctr", key, Buffer.from(crypto.cipherparams.iv, "hex"));
  const secret: Hex = `0x${Buffer.concat([cipher.update(ciphertext), cipher.final()]).toString("hex")}`;
  // The MAC does not cover the address, by which people choose the file.
  if (
    address !== undefined &&
    privateKeyToAddress(secret).slice(2).toLowerCase() !== address.toLowerCase().replace(/^0x/, "")
  ) {
    throw new CaliberError("KEYSTORE_MALFORMED", "the keystore's key is not that of the address in it", {
      disposition: "user",
    });
  }
  return secret;
}
