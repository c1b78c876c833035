import { createPublicKey, verify } from "node:crypto";
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { CaliberError } from "../errors.js";
import { type RegistryKeyChange, type RegistryKeyPurpose, registryKeyMessage } from "./registryKeyChange.js";

/** A registry that hands over more often in one list is none. */
const mostChanges = 1000;
/** DER before the 32 bytes of an Ed25519 key. */
const ed25519Prefix = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Goes from a key that is trusted to the one that holds today, by changes in the order in which they were made. The changes
 * may come from anybody: each must be signed by the key trusted so far, and by the one that it names. Those of other
 * purposes and from other keys are passed over.
 *
 * @param pinned base64 SPKI of the key trusted so far.
 * @returns base64 SPKI of the last key reached; `pinned` itself where no change starts from it.
 * @throws CaliberError REGISTRY_KEY_CHANGE_INVALID
 */
export function followRegistryKey(
  pinned: string,
  purpose: RegistryKeyPurpose,
  origin: string,
  changes: readonly RegistryKeyChange[],
): string {
  if (!Array.isArray(changes) || changes.length > mostChanges) throw invalid("not a list of changes");
  let trusted = pinned;
  for (const change of changes) {
    if (change?.purpose !== purpose || change.from_spki !== trusted) continue;
    check(change, origin);
    trusted = change.to_spki;
  }
  return trusted;
}

function check(change: RegistryKeyChange, origin: string): void {
  if (change.origin !== origin) throw invalid("the change is of another log's registry");
  if (![change.at_ms, change.until_ms].every(Number.isSafeInteger)) throw invalid("times are integers");
  const message = registryKeyMessage(change);
  try {
    for (const [spki, signature] of [
      [change.from_spki, change.from_signature],
      [change.to_spki, change.to_signature],
    ] as const) {
      const der = Buffer.from(spki, "base64");
      // A key has one name: this text is what the next change has to start from.
      if (der.toString("base64") !== spki) throw invalid("a key is not in canonical base64");
      verifyBy(change.purpose, der, message, Buffer.from(signature, "base64"));
    }
  } catch (cause) {
    if (CaliberError.find(cause, "REGISTRY_KEY_CHANGE_INVALID")) throw cause;
    throw invalid("the change is not signed by both keys", cause);
  }
}

function verifyBy(purpose: RegistryKeyPurpose, der: Buffer, message: Buffer, signature: Buffer): void {
  if (purpose === "receipt") {
    verifyEs256(message, signature, publicKeyFromSpki(der));
    return;
  }
  if (der.length !== 44 || !der.subarray(0, 12).equals(ed25519Prefix)) throw invalid("not an Ed25519 key");
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  if (!verify(null, message, key, signature)) throw invalid("the change is not signed by both keys");
}

function invalid(why: string, cause?: unknown): CaliberError {
  return new CaliberError("REGISTRY_KEY_CHANGE_INVALID", why, { cause });
}
