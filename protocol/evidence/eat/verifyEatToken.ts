import { createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import { eatError } from "./eatError.js";

/** NVIDIA's Remote Attestation Service, whose tokens are the ones to pin. */
export const nrasIssuer = "https://nras.attestation.nvidia.com";
const stagingIssuer = "https://nras.attestation-stg.nvidia.com";
const localIssuer = "NVAT-LOCAL-VERIFIER";

const maxToken_chars = 64 * 1024;
/** How far the service's clock may be ahead of ours. */
const skew_s = 60;

export type EatTrust = {
  /** The one issuer that is believed. */
  issuer: string;
  /** Its keys (RFC 7517), got by the caller from where the issuer publishes them, never from the token. */
  jwks: { keys: readonly (JsonWebKey & { kid?: string })[] };
  now_ms: number;
};

export type EatClaims = { [claim: string]: unknown };

/**
 * Verifies one token of an attestation service: a JWT (RFC 7519) with ES384 by a key of the pinned issuer. What the
 * token itself offers as a key (`jwk`, `jku`, `x5c`) is not looked at.
 *
 * @param nonce hex, the one that the device was asked to sign; null where it is checked elsewhere.
 * @throws CaliberError EAT_*
 */
export function verifyEatToken(token: string, trust: EatTrust, nonce: string | null): EatClaims {
  const [head, body, signature, more] = token.length > maxToken_chars ? [] : token.split(".");
  if (head === undefined || body === undefined || signature === undefined || more !== undefined) {
    throw eatError("EAT_MALFORMED", "a token has three parts");
  }
  const header = objectOf(head);
  if (header.alg === "none") throw eatError("EAT_ALG_NONE", "the token is signed by nobody");
  if (header.alg !== "ES384") throw eatError("EAT_ALG_REFUSED", "tokens are signed with ES384");
  // RFC 7515 4.1.11: what is critical and not understood is refused.
  if (header.crit !== undefined) throw eatError("EAT_MALFORMED", "the token asks for an unknown extension");
  const claims = objectOf(body);
  // Before the signature, so that the refusal can say which service it was; nothing is believed by this.
  checkIssuer(claims.iss, trust.issuer);
  const key = keyOf(header.kid, trust.jwks.keys);
  const signed = Buffer.from(`${head}.${body}`, "latin1");
  if (!verify("sha384", signed, { key, dsaEncoding: "ieee-p1363" }, bytesOf(signature))) {
    throw eatError("EAT_SIGNATURE_INVALID", "the token is not signed by this key");
  }
  checkTimes(claims, Math.floor(trust.now_ms / 1000));
  if (nonce !== null && claims.eat_nonce !== nonce) {
    throw eatError("EAT_NONCE_MISMATCH", "the token answers another nonce");
  }
  return claims;
}

function checkIssuer(issuer: unknown, pinned: string): void {
  if (issuer === pinned) return;
  if (issuer === localIssuer) throw eatError("EAT_ISSUER_LOCAL", "the token was made by a local verifier");
  if (issuer === stagingIssuer) throw eatError("EAT_ISSUER_STAGING", "the token is of a staging service");
  throw eatError("EAT_ISSUER_UNKNOWN", "the token is of another issuer than the pinned one");
}

function keyOf(kid: unknown, keys: EatTrust["jwks"]["keys"]): KeyObject {
  const found = typeof kid === "string" ? keys.filter((key) => key.kid === kid) : [];
  const [jwk] = found;
  if (jwk === undefined || found.length > 1) {
    throw eatError("EAT_KEY_UNKNOWN", "the issuer has no one key of this name");
  }
  if (jwk.kty !== "EC" || jwk.crv !== "P-384") {
    throw eatError("EAT_KEY_INVALID", "the issuer's key is not on P-384");
  }
  try {
    const { kty, crv, x, y } = jwk;
    return createPublicKey({ key: { kty, crv, x, y } as JsonWebKey, format: "jwk" });
  } catch (cause) {
    throw eatError("EAT_KEY_INVALID", "the issuer's key is not a point on P-384", cause);
  }
}

function checkTimes({ exp, nbf, iat }: EatClaims, now_s: number): void {
  // A token that never expires is refused: its age would say nothing.
  if (typeof exp !== "number") throw eatError("EAT_MALFORMED", "the token does not say when it expires");
  if (now_s >= exp) throw eatError("EAT_EXPIRED", "the token has expired");
  for (const from of [nbf, iat]) {
    if (from === undefined) continue;
    if (typeof from !== "number") throw eatError("EAT_MALFORMED", "a time in the token is not a number");
    if (now_s + skew_s < from) throw eatError("EAT_NOT_YET_VALID", "the token is not valid yet");
  }
}

function objectOf(part: string): EatClaims {
  let value: unknown;
  try {
    value = JSON.parse(bytesOf(part).toString("utf8"));
  } catch (cause) {
    throw eatError("EAT_MALFORMED", "a part of the token is not JSON", cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw eatError("EAT_MALFORMED", "a part of the token is not an object");
  }
  return value as EatClaims;
}

function bytesOf(part: string): Buffer {
  const bytes = Buffer.from(part, "base64url");
  // Node skips what is not base64url and reads on: only what encodes back is what was written.
  if (bytes.toString("base64url") !== part) throw eatError("EAT_MALFORMED", "a part is not base64url");
  return bytes;
}
