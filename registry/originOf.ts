import type { RegistryKeys } from "./keys/registryKeys.js";
import type { Meta } from "./store/meta.js";

/** The log's origin line (C2SP tlog-checkpoint): fixed at first use, and unlike any other registry's. */
export function originOf(meta: Meta, keys: RegistryKeys): string {
  const known = meta.get("origin");
  if (known !== null) return known;
  const origin = `caliber.local/${keys.receiptId.slice(0, 16)}`;
  meta.set("origin", origin);
  return origin;
}
