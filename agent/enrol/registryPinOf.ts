import { hash } from "node:crypto";
import type { Identity } from "./identity.js";

/** SHA-256 of the registry's key, as a token pins it. */
export function registryPinOf({ registry_spki }: Pick<Identity, "registry_spki">): string {
  return hash("sha256", Buffer.from(registry_spki, "base64"), "hex");
}
