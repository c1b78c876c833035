import { generateKeyPairSync, hash, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verifyEatBundle } from "./verifyEatBundle.js";
import { type EatTrust, nrasIssuer, verifyEatToken } from "./verifyEatToken.js";

const service = generateKeyPairSync("ec", { namedCurve: "P-384" });
const borrower = generateKeyPairSync("ec", { namedCurve: "P-384" });
const kid = "nv-eat-kid-test";
const now_s = 1_780_000_000;
const nonce = hash("sha256", "caliber test: token", "hex");
const jwkOf = (key: KeyObject, name = kid) => ({ ...key.export({ format: "jwk" }), kid: name });
const trust: EatTrust = {
  issuer: nrasIssuer,
  jwks: { keys: [jwkOf(borrower.publicKey, "another"), jwkOf(service.publicKey)] },
  now_ms: now_s * 1000,
};
const claims = {
  iss: nrasIssuer,
  iat: now_s,
  nbf: now_s,
  exp: now_s + 3600,
  eat_nonce: nonce,
  measres: "success",
};
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenOf(
  body: object = {},
  header: object = {},
  key = service.privateKey,
  digest = "sha384",
): string {
  const text = `${part({ alg: "ES384", typ: "JWT", kid, ...header })}.${part({ ...claims, ...body })}`;
  return `${text}.${sign(digest, Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
const unsigned = (body: object) => `${part({ alg: "none" })}.${part({ ...claims, ...body })}.`;
const coded = (code: string) => expect.objectContaining({ code });

describe("verifyEatToken", () => {
  it("gives the claims of the pinned issuer's token", () => {
    expect(verifyEatToken(tokenOf(), trust, nonce)).toEqual(claims);
    expect(verifyEatToken(tokenOf(), trust, null)).toEqual(claims);
  });

  const own = { jwk: borrower.publicKey.export({ format: "jwk" }) as JsonWebKey };
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const hmacKey = Buffer.from(service.publicKey.export({ format: "pem", type: "spki" }));
  it.each([
    ["the local verifier's, which nobody signs", unsigned({ iss: "NVAT-LOCAL-VERIFIER" }), "EAT_ALG_NONE"],
    ["alg none under NVIDIA's name", unsigned({}), "EAT_ALG_NONE"],
    ["alg NONE", tokenOf({}, { alg: "NONE" }), "EAT_ALG_REFUSED"],
    ["no alg", tokenOf({}, { alg: undefined }), "EAT_ALG_REFUSED"],
    ["ES256", tokenOf({}, { alg: "ES256" }, p256.privateKey, "sha256"), "EAT_ALG_REFUSED"],
    ["an HMAC with the public key", hmacToken(hmacKey), "EAT_ALG_REFUSED"],
    ["the local verifier's, signed", tokenOf({ iss: "NVAT-LOCAL-VERIFIER" }), "EAT_ISSUER_LOCAL"],
    [
      "the staging service's",
      tokenOf({ iss: "https://nras.attestation-stg.nvidia.com" }),
      "EAT_ISSUER_STAGING",
    ],
    ["somebody's", tokenOf({ iss: "https://nras.attestation.nvidia.com.example" }), "EAT_ISSUER_UNKNOWN"],
    ["no issuer's", tokenOf({ iss: undefined }), "EAT_ISSUER_UNKNOWN"],
    ["a list of issuers'", tokenOf({ iss: [nrasIssuer] }), "EAT_ISSUER_UNKNOWN"],
    ["an unknown key's", tokenOf({}, { kid: "nv-eat-kid-old" }), "EAT_KEY_UNKNOWN"],
    ["no key's", tokenOf({}, { kid: undefined }), "EAT_KEY_UNKNOWN"],
    ["a key of its own", tokenOf({}, own, borrower.privateKey), "EAT_SIGNATURE_INVALID"],
    ["another of the issuer's keys", tokenOf({}, { kid: "another" }), "EAT_SIGNATURE_INVALID"],
    ["expired", tokenOf({ exp: now_s }), "EAT_EXPIRED"],
    ["never to expire", tokenOf({ exp: undefined }), "EAT_MALFORMED"],
    ["to expire at a text", tokenOf({ exp: "never" }), "EAT_MALFORMED"],
    ["not yet valid", tokenOf({ nbf: now_s + 61 }), "EAT_NOT_YET_VALID"],
    ["issued in the future", tokenOf({ iat: now_s + 61 }), "EAT_NOT_YET_VALID"],
    ["issued at a text", tokenOf({ iat: "now" }), "EAT_MALFORMED"],
    ["of another nonce", tokenOf({ eat_nonce: "11".repeat(32) }), "EAT_NONCE_MISMATCH"],
    ["of no nonce", tokenOf({ eat_nonce: undefined }), "EAT_NONCE_MISMATCH"],
    ["with a critical extension", tokenOf({}, { crit: ["b64"], b64: false }), "EAT_MALFORMED"],
    ["empty", "", "EAT_MALFORMED"],
    ["two parts", "e30.e30", "EAT_MALFORMED"],
    ["four parts", `${tokenOf()}.e30`, "EAT_MALFORMED"],
    ["a header that is no JSON", `e.${part(claims)}.AA`, "EAT_MALFORMED"],
    ["a header that is a list", `${part([])}.${part(claims)}.AA`, "EAT_MALFORMED"],
    ["padded base64", `${tokenOf()}=`, "EAT_MALFORMED"],
    ["too long", tokenOf({ more: "a".repeat(64 * 1024) }), "EAT_MALFORMED"],
  ])("refuses a token: %s", (_, token, code) => {
    expect(() => verifyEatToken(token, trust, nonce)).toThrow(coded(code));
  });

  it.each([
    ["no point on the curve", { ...jwkOf(service.publicKey), x: jwkOf(borrower.publicKey).x }],
    ["a key on P-256", jwkOf(p256.publicKey)],
    ["a secret", { kty: "oct", k: "AAAA", kid }],
  ])("refuses a key set with %s", (_, key) => {
    const keys = [key as JsonWebKey];
    expect(() => verifyEatToken(tokenOf(), { ...trust, jwks: { keys } }, nonce)).toThrow(
      coded("EAT_KEY_INVALID"),
    );
  });

  it("refuses a key set with two keys of one name", () => {
    const keys = [jwkOf(borrower.publicKey), jwkOf(service.publicKey)];
    expect(() => verifyEatToken(tokenOf(), { ...trust, jwks: { keys } }, nonce)).toThrow(
      coded("EAT_KEY_UNKNOWN"),
    );
  });

  it("takes a clock that is a minute behind the service's", () => {
    expect(verifyEatToken(tokenOf({ iat: now_s + 60, nbf: now_s + 60 }), trust, nonce).measres).toBe(
      "success",
    );
  });

  it("refuses every token with one character changed", () => {
    const token = tokenOf();
    for (let at = 0; at < token.length; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(() => verifyEatToken(changed, trust, nonce)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^EAT_/) }),
      );
    }
  });
});

function hmacToken(key: Buffer): string {
  const text = `${part({ alg: "HS384", kid })}.${part(claims)}`;
  return `${text}.${hash("sha384", Buffer.concat([key, Buffer.from(text)]), "base64url")}`;
}

describe("verifyEatBundle", () => {
  const device = tokenOf({ hwmodel: "GH100 A01 GSP BROM" });
  const digest = (token: string) => ["DIGEST", ["SHA-256", hash("sha256", token, "hex")]];
  const overallOf = (body: object = {}) =>
    tokenOf({ "x-nvidia-overall-att-result": true, submods: { "GPU-0": digest(device) }, ...body });
  const bundleOf = (overall: string, tokens: unknown = { "GPU-0": device }) => [["JWT", overall], tokens];

  it("gives the claims of each device", () => {
    const { overall, devices } = verifyEatBundle(bundleOf(overallOf()), trust, nonce);
    expect(overall["x-nvidia-overall-att-result"]).toBe(true);
    expect(devices).toEqual([{ name: "GPU-0", claims: { ...claims, hwmodel: "GH100 A01 GSP BROM" } }]);
  });

  const old = tokenOf({ eat_nonce: "11".repeat(32) });
  it.each([
    [
      "a failed attestation",
      bundleOf(overallOf({ "x-nvidia-overall-att-result": false })),
      "EAT_RESULT_FAILED",
    ],
    [
      "a result in words",
      bundleOf(overallOf({ "x-nvidia-overall-att-result": "true" })),
      "EAT_RESULT_FAILED",
    ],
    ["another device's token", bundleOf(overallOf(), { "GPU-0": tokenOf() }), "EAT_SUBMODULE_MISMATCH"],
    ["a token left out", bundleOf(overallOf(), {}), "EAT_SUBMODULE_MISMATCH"],
    ["a token under another name", bundleOf(overallOf(), { "GPU-1": device }), "EAT_SUBMODULE_MISMATCH"],
    ["a token added", bundleOf(overallOf(), { "GPU-0": device, "GPU-1": device }), "EAT_SUBMODULE_MISMATCH"],
    ["no devices", bundleOf(overallOf({ submods: {} }), {}), "EAT_SUBMODULE_MISMATCH"],
    [
      "a digest of another kind",
      bundleOf(overallOf({ submods: { "GPU-0": ["DIGEST", ["MD5", "00"]] } })),
      "EAT_SUBMODULE_MISMATCH",
    ],
    [
      "an old token of a device in a new overall token",
      bundleOf(overallOf({ submods: { "GPU-0": digest(old) } }), { "GPU-0": old }),
      "EAT_NONCE_MISMATCH",
    ],
    ["the local verifier's bundle", bundleOf(unsigned({ iss: "NVAT-LOCAL-VERIFIER" })), "EAT_ALG_NONE"],
    ["no bundle", { JWT: overallOf() }, "EAT_MALFORMED"],
    ["null", null, "EAT_MALFORMED"],
    ["no tokens", [["JWT", overallOf()]], "EAT_MALFORMED"],
    ["tokens in a list", bundleOf(overallOf(), [device]), "EAT_MALFORMED"],
  ])("refuses %s", (_, bundle, code) => {
    expect(() => verifyEatBundle(bundle, trust, nonce)).toThrow(coded(code));
  });
});
