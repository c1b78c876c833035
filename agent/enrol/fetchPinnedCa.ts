import { hash, X509Certificate } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";
import { requestRegistry } from "./requestRegistry.js";

/**
 * The registry's CA certificate, PEM. Whoever answers is not known yet; the hash from the token decides.
 *
 * @throws CaliberError CA_MISMATCH, and those of requestRegistry
 */
export async function fetchPinnedCa(url: string, ca_sha256: string): Promise<string> {
  const pem = await requestRegistry({ url, path: "/v1/ca", ca: null });
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw new CaliberError("CA_MISMATCH", "the registry's CA is no certificate", { cause });
  }
  if (hash("sha256", certificate.raw, "hex") !== ca_sha256) {
    throw new CaliberError("CA_MISMATCH", "the registry shows another CA than the one in the token");
  }
  // Written anew from what was hashed: the answer may hold more than the one certificate.
  return certificate.toString();
}
