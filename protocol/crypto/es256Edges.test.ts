import { verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/es256-edges.json" with { type: "json" };
import { publicKeyFromSpki } from "./spki.js";
import { verifyEs256 } from "./verifyEs256.js";

const message = Buffer.from(vector.message);
const bytes = (hex: string) => Buffer.from(hex, "hex");
const keyOf = (spki: string) => publicKeyFromSpki(bytes(spki));
const accepted = vector.cases.filter(({ code }) => code === null);
const refused = vector.cases.filter(({ code }) => code !== null);

describe("verifyEs256 at the edges", () => {
  it.each(accepted)("takes: $name", ({ spki, signature }) => {
    expect(() => verifyEs256(message, bytes(signature), keyOf(spki))).not.toThrow();
    expect(() => verifyEs256(Buffer.from("another message"), bytes(signature), keyOf(spki))).toThrow(
      expect.objectContaining({ code: "SIGNATURE_INVALID" }),
    );
  });

  it.each(refused)("refuses: $name", ({ spki, signature, code }) => {
    expect(() => verifyEs256(message, bytes(signature), keyOf(spki))).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("refuses by low S alone what OpenSSL takes", () => {
    const { spki, signature } = refused.find(({ name }) => name === "s replaced by n - s")!;
    const key = { key: keyOf(spki), dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", message, key, bytes(signature))).toBe(true);
  });
});
