import { type KeyObject, verify } from "node:crypto";
import { publicKeyFromSpki } from "../crypto/spki.js";
import { CaliberError } from "../errors.js";
import { decodeDer } from "./decodeDer.js";
import { derContents } from "./derContents.js";
import { encodeDer } from "./encodeDer.js";
import { decodePem } from "./pem.js";
import { x509Oids } from "./x509Oids.js";

type Parts = { info: Buffer; spki: Buffer; key: KeyObject; signature: Buffer };

/**
 * Reads a certificate request and checks that its sender holds the key. Everything in it is attacker-controlled, and
 * nothing but the key is taken from it: subject and requested extensions are ignored.
 *
 * @returns the key's canonical 91-byte SPKI, and the key.
 * @throws CaliberError CSR_MALFORMED, CSR_SIGNATURE_INVALID
 */
export function parseCsr(pem: string): { spki: Buffer; key: KeyObject } {
  const { info, spki, key, signature } = partsOf(pem);
  if (!verify("sha256", info, key, signature)) {
    throw new CaliberError("CSR_SIGNATURE_INVALID", "the request is not signed by the key it names");
  }
  return { spki, key };
}

function partsOf(pem: string): Parts {
  try {
    if (pem.length > 4096) throw new CaliberError("CSR_MALFORMED", "the request is too large");
    const outer = derContents.sequence(decodeDer(decodePem("CERTIFICATE REQUEST", pem)));
    const [info, algorithm, signature] = outer;
    const [version, , spki, attributes] = derContents.sequence(info);
    if (outer.length !== 3 || attributes === undefined) {
      throw new CaliberError("CSR_MALFORMED", "not a PKCS #10 request");
    }
    if (!derContents.bytes(version, "INTEGER").equals(Buffer.of(0))) {
      throw new CaliberError("CSR_MALFORMED", "the request's version is not 1");
    }
    const [oid, ...parameters] = derContents.sequence(algorithm);
    // RFC 5758 3.2: ecdsa-with-SHA256 has no parameters.
    if (derContents.oid(oid) !== x509Oids.ecdsaWithSha256 || parameters.length > 0) {
      throw new CaliberError("CSR_MALFORMED", "the request is not signed with ecdsa-with-SHA256");
    }
    const spkiBytes = encodeDer(spki!);
    return {
      info: encodeDer(info!),
      spki: spkiBytes,
      key: publicKeyFromSpki(spkiBytes),
      signature: derContents.bytes(signature, "BITSTRING"),
    };
  } catch (cause) {
    if (cause instanceof CaliberError && cause.code === "CSR_MALFORMED") throw cause;
    throw new CaliberError("CSR_MALFORMED", "not a certificate request for a P-256 key", { cause });
  }
}
