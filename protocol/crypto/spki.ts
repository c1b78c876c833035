import { createPublicKey, type KeyObject } from "node:crypto";
import { CaliberError } from "../errors.js";

/** DER of SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1, 66-byte bit string, uncompressed. */
const canonicalPrefix = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");

/**
 * The canonical SPKI of a P-256 key: 91 bytes. Any other encoding (compressed points, explicit parameters, trailing
 * bytes) is refused, since a key must have one name.
 *
 * @throws CaliberError KEY_NOT_CANONICAL
 */
export function publicKeyFromSpki(spki: Uint8Array): KeyObject {
  if (!isCanonical(spki)) {
    throw new CaliberError("KEY_NOT_CANONICAL", "a key is the 91-byte SPKI DER of a P-256 point");
  }
  try {
    // OpenSSL refuses a point that is not on the curve.
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw new CaliberError("KEY_NOT_CANONICAL", "the point is not on P-256", { cause });
  }
}

/** 91-byte SPKI DER of a P-256 key, private or public. */
export function spkiOf(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const der = publicKey.export({ format: "der", type: "spki" });
  // Length alone does not name the curve: an SM2 key has 91 bytes as well.
  if (!isCanonical(der)) throw new CaliberError("KEY_NOT_CANONICAL", "not a P-256 key");
  return der;
}

function isCanonical(spki: Uint8Array): boolean {
  return spki.length === 91 && canonicalPrefix.compare(spki, 0, canonicalPrefix.length) === 0;
}
