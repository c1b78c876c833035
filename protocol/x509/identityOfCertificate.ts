import { type Identity, parseIdentityUri } from "../enrol/hostUri.js";
import { CaliberError } from "../errors.js";
import { subjectAltNamesOf } from "./subjectAltNamesOf.js";

const uriTag = 6;

/**
 * Who a client certificate (DER) stands for: the one name in it, which is a URI of ours. The chain has been checked
 * already, but the CA may be shared with others and the names be anything.
 *
 * @throws CaliberError IDENTITY_INVALID
 */
export function identityOfCertificate(certificate: Buffer): Identity {
  let names: ReturnType<typeof subjectAltNamesOf>;
  try {
    names = subjectAltNamesOf(certificate);
  } catch (cause) {
    throw new CaliberError("IDENTITY_INVALID", "the certificate's names cannot be read", { cause });
  }
  const [name] = names;
  if (names.length !== 1 || name === undefined || name.tag !== uriTag) {
    throw new CaliberError("IDENTITY_INVALID", "a client certificate has exactly one name, a URI");
  }
  const identity = parseIdentityUri(name.bytes.toString("latin1"));
  if (identity === null)
    throw new CaliberError("IDENTITY_INVALID", "the certificate's URI names nobody here");
  return identity;
}
