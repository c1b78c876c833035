import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { issueCertificate } from "../../protocol/x509/issueCertificate.js";

/** The registry's certificate authority: a P-256 key and its self-signed certificate (PEM). */
export type Ca = { key: KeyObject; certificate: string };

const lifetime_ms = 10 * 365 * 86_400_000;

/** Makes a CA that is valid for ten years: longer than any loan, as hosts pin its certificate when they enrol. */
export function createCa({ commonName, now_ms }: { commonName: string; now_ms: number }): Ca {
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const certificate = issueCertificate({
    issuer: { key, certificate: null },
    spki: spkiOf(key),
    commonName,
    usage: "ca",
    names: [],
    notBefore_ms: now_ms,
    notAfter_ms: now_ms + lifetime_ms,
  });
  return { key, certificate };
}
