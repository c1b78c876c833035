import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { issueCertificate } from "../../protocol/x509/issueCertificate.js";
import type { Ca } from "./createCa.js";
import { ipBytes } from "./ipBytes.js";

/** What a TLS server needs, all PEM. `cert` is the chain: the server's certificate, then the CA's. */
export type ServerTls = { key: string; cert: string; ca: string };

/** Names under which a registry that was told none can be reached: this machine alone. */
export const defaultServerNames = ["localhost", "127.0.0.1", "::1"] as const;

const lifetime_ms = 398 * 86_400_000;

/**
 * A fresh key and certificate for a TLS server, for host names and IP addresses. Issued anew at each start, so that
 * the key never stands on disk and names can change.
 *
 * @throws CaliberError NAME_INVALID
 */
export function issueServerCertificate(ca: Ca, names: readonly string[], now_ms: number): ServerTls {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const certificate = issueCertificate({
    issuer: ca,
    spki: spkiOf(privateKey),
    commonName: "caliber registry",
    usage: "server",
    names: names.map((name) =>
      isIP(name) === 0 ? { type: "dns", value: name } : { type: "ip", value: ipBytes(name) },
    ),
    notBefore_ms: now_ms,
    notAfter_ms: Math.min(now_ms + lifetime_ms, Date.parse(new X509Certificate(ca.certificate).validTo)),
  });
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    cert: certificate + ca.certificate,
    ca: ca.certificate,
  };
}
