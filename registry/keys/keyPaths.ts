import { hash } from "node:crypto";
import { join } from "node:path";
import type { RegistryKeyPurpose } from "../../protocol/registryKey/registryKeyChange.js";

/** Files of the registry's keys in their directory. */
export const keyPaths = {
  now: (dir: string, purpose: RegistryKeyPurpose) => join(dir, `${purpose}.key`),
  /** While a rotation is under way. */
  next: (dir: string, purpose: RegistryKeyPurpose) => join(dir, `${purpose}.next.key`),
  /** By the key it was: SPKI, base64. */
  former: (dir: string, purpose: RegistryKeyPurpose, spki: string) =>
    join(dir, `${purpose}.${hash("sha256", Buffer.from(spki, "base64"), "hex").slice(0, 16)}.key`),
};
