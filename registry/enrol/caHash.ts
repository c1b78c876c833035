import { hash, X509Certificate } from "node:crypto";

/** What a token pins: lower-case hex SHA-256 of the CA certificate's DER. */
export function caHash(certificate: string): string {
  return hash("sha256", new X509Certificate(certificate).raw, "hex");
}
