import { type KeyObject, sign } from "node:crypto";
import { spkiOf } from "../crypto/spki.js";
import { decodeDer } from "./decodeDer.js";
import { der } from "./der.js";
import { distinguishedName } from "./distinguishedName.js";
import { encodeDer } from "./encodeDer.js";
import { encodePem } from "./pem.js";
import { x509Oids } from "./x509Oids.js";

/**
 * A certificate request (PKCS #10, RFC 2986) for a P-256 key, signed by that key: PEM. It asks for nothing but a
 * certificate over the key; names and uses are the registry's to give.
 *
 * @throws CaliberError KEY_NOT_CANONICAL, NAME_INVALID
 */
export function createCsr(privateKey: KeyObject, { commonName }: { commonName: string }): string {
  const info = der.sequence(
    der.integer(Buffer.of(0)),
    distinguishedName(commonName),
    decodeDer(spkiOf(privateKey)),
    der.tagged(0),
  );
  const signature = sign("sha256", encodeDer(info), privateKey);
  const request = der.sequence(info, der.sequence(der.oid(x509Oids.ecdsaWithSha256)), der.bits(signature));
  return encodePem("CERTIFICATE REQUEST", encodeDer(request));
}
