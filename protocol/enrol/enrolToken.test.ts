import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../errors.js";
import { encodeEnrolToken, parseEnrolToken } from "./enrolToken.js";

const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I";
const token = {
  url: "https://registry.example:8443",
  ca_sha256: "a".repeat(64),
  registry_sha256: "b".repeat(64),
  secret,
};
const encode = (value: unknown) =>
  `caliber-enrol-1.${Buffer.from(JSON.stringify(value)).toString("base64url")}`;

/** The error of a refused token, with all that a log could print of it. */
function refused(text: string): string {
  try {
    parseEnrolToken(text);
  } catch (error) {
    expect(error).toBeInstanceOf(CaliberError);
    expect(error).toMatchObject({ code: "TOKEN_MALFORMED", disposition: "user" });
    return inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
  }
  throw new Error(`taken: ${text}`);
}

describe("enrolment token", () => {
  it("gives back what it was made of, also pasted with white space", () => {
    expect(parseEnrolToken(encodeEnrolToken(token))).toEqual(token);
    expect(parseEnrolToken(` ${encodeEnrolToken(token)}\n`)).toEqual(token);
  });

  it("is one word that a shell takes as it is", () => {
    expect(encodeEnrolToken(token)).toMatch(/^caliber-enrol-1\.[A-Za-z0-9_-]+$/);
  });

  it("drops members that it does not know", () => {
    expect(parseEnrolToken(encode({ ...token, extra: 1, __proto__: { url: "x" } }))).toEqual(token);
  });

  it.each<[string, unknown]>([
    ["no TLS", { ...token, url: "http://registry.example" }],
    ["url missing", { ...token, url: undefined }],
    ["CA hash in upper case", { ...token, ca_sha256: "A".repeat(64) }],
    ["CA hash missing", { ...token, ca_sha256: undefined }],
    ["registry hash too short", { ...token, registry_sha256: "b".repeat(63) }],
    ["secret too short", { ...token, secret: secret.slice(1) }],
    ["secret too long", { ...token, secret: `${secret}A` }],
    ["secret with padding", { ...token, secret: `${secret.slice(1)}=` }],
    ["secret is no text", { ...token, secret: 1 }],
    ["null", null],
    ["a number", 1],
    ["a list", [token]],
    ["text", JSON.stringify(token)],
  ])("refuses: %s", (_, value) => {
    expect(refused(encode(value))).toContain("TOKEN_MALFORMED");
  });

  it.each(["", "caliber-enrol-1.", "caliber-enrol-2.e30", "caliber-enrol-1.!!!", secret])(
    "refuses %j",
    (text) => {
      expect(refused(text)).toContain("TOKEN_MALFORMED");
    },
  );

  it("never shows the secret in an error, however the token is broken", () => {
    const good = encodeEnrolToken(token);
    const body = JSON.stringify(token);
    const plain = fc.tuple(fc.nat(body.length - 1), fc.string({ maxLength: 3 })).map(([at, text]) => {
      const broken = body.slice(0, at) + text + body.slice(at + 1);
      return `caliber-enrol-1.${Buffer.from(broken).toString("base64url")}`;
    });
    const cut = fc.nat(good.length - 1).map((end) => good.slice(0, end));
    // Parts of 8 characters: shorter ones would turn up by chance.
    const parts = Array.from({ length: secret.length - 7 }, (_, i) => secret.slice(i, i + 8));
    fc.assert(
      fc.property(fc.oneof(plain, cut), (text) => {
        try {
          parseEnrolToken(text);
          return;
        } catch (error) {
          const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
          for (const part of parts) expect(shown).not.toContain(part);
          const encoded = text.slice("caliber-enrol-1.".length);
          if (encoded.length >= 12) expect(shown).not.toContain(encoded.slice(-12));
          expect(error).toMatchObject({ code: "TOKEN_MALFORMED" });
        }
      }),
      { numRuns: 500 },
    );
  });
});
