import { X509Certificate } from "node:crypto";
import { hostUri, type Identity, keeperUri } from "../../protocol/enrol/hostUri.js";
import { issueCertificate } from "../../protocol/x509/issueCertificate.js";
import type { Ca } from "./createCa.js";

/** A certificate by which a host or keeper shows who it is; its single URI names it. */
export function issueClientCertificate(
  ca: Ca,
  identity: Identity,
  spki: Buffer,
  validity: { now_ms: number; lifetime_ms: number },
): string {
  return issueCertificate({
    issuer: ca,
    spki,
    commonName: identity.id,
    usage: "client",
    names: [{ type: "uri", value: identity.role === "host" ? hostUri(identity.id) : keeperUri(identity.id) }],
    notBefore_ms: validity.now_ms,
    // A certificate that outlives its issuer's cannot be checked.
    notAfter_ms: Math.min(
      validity.now_ms + validity.lifetime_ms,
      Date.parse(new X509Certificate(ca.certificate).validTo),
    ),
  });
}
