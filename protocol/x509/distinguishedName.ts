import { CaliberError } from "../errors.js";
import { type DerNode, der } from "./der.js";
import { x509Oids } from "./x509Oids.js";

/**
 * A name that is one common name. It is for people to read: identity is the URI SAN alone.
 *
 * @throws CaliberError NAME_INVALID
 */
export function distinguishedName(commonName: string): DerNode {
  // ub-common-name (RFC 5280 appendix A) is 64; printable ASCII, so that no log or console can be painted over.
  if (!/^[\x20-\x7e]{1,64}$/.test(commonName)) {
    throw new CaliberError("NAME_INVALID", "a common name has 1 to 64 printable ASCII characters");
  }
  return der.sequence(der.set(der.sequence(der.oid(x509Oids.commonName), der.utf8(commonName))));
}
