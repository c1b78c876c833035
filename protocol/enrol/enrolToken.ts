import { CaliberError } from "../errors.js";

/**
 * Single-use enrolment token. It names whom to trust, so that a host needs nothing else: where to ask, SHA-256 of the
 * CA certificate's DER, SHA-256 of the registry's receipt key, and the secret.
 */
export type EnrolToken = { url: string; ca_sha256: string; registry_sha256: string; secret: string };

const prefix = "caliber-enrol-1.";

export function encodeEnrolToken(token: EnrolToken): string {
  return prefix + Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** @throws CaliberError TOKEN_MALFORMED; the message never holds the secret. */
export function parseEnrolToken(text: string): EnrolToken {
  const malformed = (): CaliberError =>
    new CaliberError("TOKEN_MALFORMED", "not an enrolment token (caliber-enrol-1.…)", {
      disposition: "user",
    });
  const trimmed = text.trim();
  if (!trimmed.startsWith(prefix)) throw malformed();
  let parsed: Partial<Record<keyof EnrolToken, unknown>>;
  try {
    parsed = JSON.parse(Buffer.from(trimmed.slice(prefix.length), "base64url").toString("utf8"));
  } catch {
    // The cause would quote the token's text, which holds the secret.
    throw malformed();
  }
  const { url, ca_sha256, registry_sha256, secret } = parsed ?? {};
  const isHash = (value: unknown): value is string =>
    typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
  if (typeof url !== "string" || !url.startsWith("https://")) throw malformed();
  if (!isHash(ca_sha256) || !isHash(registry_sha256)) throw malformed();
  if (typeof secret !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(secret)) throw malformed();
  return { url, ca_sha256, registry_sha256, secret };
}
