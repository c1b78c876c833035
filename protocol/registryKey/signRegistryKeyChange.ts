import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { signEs256 } from "../crypto/signEs256.js";
import { type RegistryKeyChange, registryKeyMessage } from "./registryKeyChange.js";

/** Hands over from one of the registry's keys to the next; both are private keys of the purpose's kind. */
export function signRegistryKeyChange(
  about: Pick<RegistryKeyChange, "purpose" | "origin" | "at_ms" | "until_ms">,
  from: KeyObject,
  to: KeyObject,
): RegistryKeyChange {
  const spki = (key: KeyObject): string =>
    createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
  const change = { ...about, from_spki: spki(from), to_spki: spki(to) };
  const message = registryKeyMessage(change);
  const by = (key: KeyObject): string =>
    (about.purpose === "log" ? sign(null, message, key) : signEs256(message, key)).toString("base64");
  return { ...change, from_signature: by(from), to_signature: by(to) };
}
