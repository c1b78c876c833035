import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { Db } from "../store/openDatabase.js";

/** Changes of the registry's own keys, oldest first, as the log has them. The tables must be up to the log's end. */
export function keyChangesOf(db: Db): RegistryKeyChange[] {
  const rows = db.prepare<[], string>("SELECT change FROM registry_key ORDER BY idx").pluck().all();
  return rows.map((change) => JSON.parse(change) as RegistryKeyChange);
}
