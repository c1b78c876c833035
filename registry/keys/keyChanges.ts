import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { Meta } from "../store/meta.js";

const name = "registry_keys";

/** Changes of the registry's own keys, oldest first. The log has them too; each is written in the commit that logs it. */
export function keyChangesOf(meta: Meta): RegistryKeyChange[] {
  return JSON.parse(meta.get(name) ?? "[]") as RegistryKeyChange[];
}

export function addKeyChange(meta: Meta, change: RegistryKeyChange): void {
  meta.set(name, JSON.stringify([...keyChangesOf(meta), change]));
}
