import { createPrivateKey, X509Certificate } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";
import { readPrivateFile } from "../keys/readPrivateFile.js";
import type { Ca } from "./createCa.js";
import { caFile } from "./saveCa.js";

/**
 * The CA kept in a directory, or null when there is none.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS when others may read the key, CA_MALFORMED
 */
export function loadCa(directory: string): Ca | null {
  const path = caFile(directory);
  const pem = readPrivateFile(path);
  return pem === null ? null : parseCa(pem, path);
}

function parseCa(pem: string, path: string): Ca {
  // The cause of a key that does not parse is left out: it may quote the file.
  const malformed = (): CaliberError =>
    new CaliberError("CA_MALFORMED", `${path} does not hold a CA's key and certificate`, {
      disposition: "user",
    });
  try {
    const key = createPrivateKey(pem);
    const x509 = new X509Certificate(pem);
    if (!x509.ca || !x509.checkPrivateKey(key)) throw malformed();
    return { key, certificate: x509.toString() };
  } catch {
    throw malformed();
  }
}
