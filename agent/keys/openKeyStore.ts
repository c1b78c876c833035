import { join } from "node:path";
import { fileKeyStore } from "./fileKeyStore.js";
import type { KeyStore } from "./keyStore.js";
import { tpmKeyStore } from "./tpmKeyStore.js";

/** Which store holds the device keys of a host, as its identity remembers it. */
export type KeyStoreChoice = { store: "file" } | { store: "tpm"; tcti: string };

/**
 * The key store of a data directory.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS, TCTI_INVALID
 */
export function openKeyStore(data_dir: string, choice: KeyStoreChoice): KeyStore {
  const directory = join(data_dir, "keys");
  return choice.store === "tpm" ? tpmKeyStore(directory, choice.tcti) : fileKeyStore(directory);
}
