import { createPrivateKey, X509Certificate } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";
import type { Ca } from "./createCa.js";
import { caFile } from "./saveCa.js";

/**
 * The CA kept in a directory, or null when there is none.
 *
 * @throws CaliberError KEY_FILE_PERMISSIONS when others may read the key, CA_MALFORMED
 */
export function loadCa(directory: string): Ca | null {
  const path = caFile(directory);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    // Of the open file, so that it is the one that is read.
    if ((fstatSync(file).mode & 0o077) !== 0) {
      throw new CaliberError("KEY_FILE_PERMISSIONS", `${path} can be read by others: chmod 600`, {
        disposition: "user",
      });
    }
    return parseCa(readFileSync(file, "utf8"), path);
  } finally {
    closeSync(file);
  }
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
