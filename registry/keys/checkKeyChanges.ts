import { CaliberError } from "../../protocol/errors.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { RegistryKeys } from "./registryKeys.js";

/**
 * The changes, as long as the keys on disk are those that they lead to: a registry that signed by an older key would
 * contradict what it has told.
 *
 * @throws CaliberError REGISTRY_KEY_OUTDATED
 */
export function checkKeyChanges(
  changes: readonly RegistryKeyChange[],
  { receiptSpki, logPublic }: Pick<RegistryKeys, "receiptSpki" | "logPublic">,
): readonly RegistryKeyChange[] {
  const spkis = { receipt: receiptSpki, log: logPublic.export({ format: "der", type: "spki" }) };
  for (const purpose of ["receipt", "log"] as const) {
    const last = changes.filter((change) => change.purpose === purpose).at(-1);
    if (last === undefined || last.to_spki === spkis[purpose].toString("base64")) continue;
    throw new CaliberError(
      "REGISTRY_KEY_OUTDATED",
      `keys/${purpose}.key is not the key that was rotated to`,
      {
        details: `an unfinished rotation? run caliber registry key rotate --key ${purpose} again; or restore the newest key`,
        disposition: "user",
      },
    );
  }
  return changes;
}
