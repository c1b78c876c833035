import { createPrivateKey, type KeyObject } from "node:crypto";
import type { RegistryKeyChange, RegistryKeyPurpose } from "../../protocol/registryKey/registryKeyChange.js";
import { keyPaths } from "./keyPaths.js";
import { readPrivateFile } from "./readPrivateFile.js";

export type FormerKey = { change: RegistryKeyChange; key: KeyObject };

/**
 * Keys that have handed over and whose overlap still runs, oldest first. One whose file is gone has been put out of use
 * by hand.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS
 */
export function formerKeys(
  dir: string,
  changes: readonly RegistryKeyChange[],
  now_ms: () => number,
): (purpose: RegistryKeyPurpose) => FormerKey[] {
  const kept = changes.flatMap((change): FormerKey[] => {
    if (change.until_ms <= now_ms()) return [];
    const pem = readPrivateFile(keyPaths.former(dir, change.purpose, change.from_spki));
    return pem === null ? [] : [{ change, key: createPrivateKey(pem) }];
  });
  return (purpose) => kept.filter(({ change }) => change.purpose === purpose && change.until_ms > now_ms());
}
