import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/es256.json" with { type: "json" };
import { normalizeLowS } from "./normalizeLowS.js";
import { p256HalfOrder, p256Order } from "./p256Order.js";
import { signEs256 } from "./signEs256.js";
import { publicKeyFromSpki } from "./spki.js";
import { verifyEs256 } from "./verifyEs256.js";

const key = publicKeyFromSpki(Buffer.from(vector.spki, "hex"));
const bytes = (hex: string) => Buffer.from(hex, "hex");

describe("verifyEs256", () => {
  it.each(vector.accepted)("takes the signature of $message", ({ message, signature }) => {
    expect(() => verifyEs256(Buffer.from(message), bytes(signature), key)).not.toThrow();
  });

  it.each(vector.refused)("refuses: $name", ({ message, signature, code }) => {
    expect(() => verifyEs256(Buffer.from(message), bytes(signature), key)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("refuses every signature with one bit changed", () => {
    const good = bytes(vector.accepted[1]!.signature);
    for (let bit = 0; bit < 512; bit += 1) {
      const changed = Buffer.from(good);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => verifyEs256(Buffer.from("test"), changed, key)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^SIGNATURE_(INVALID|HIGH_S)$/) }),
      );
    }
  });

  it("refuses any bytes as a coded error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (any) => {
        expect(() => verifyEs256(Buffer.from("test"), any, key)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^SIGNATURE_/) }),
        );
      }),
    );
  });
});

describe("normalizeLowS", () => {
  it.each(vector.normalized)(
    "gives the low form of the signature of $message",
    ({ message, signature, low_s }) => {
      expect(normalizeLowS(bytes(signature)).toString("hex")).toBe(low_s);
      verifyEs256(Buffer.from(message), bytes(low_s), key);
    },
  );

  it("leaves (n - 1) / 2 alone and turns (n + 1) / 2 into it", () => {
    const r = Buffer.alloc(32, 1);
    const half = Buffer.concat([r, p256HalfOrder]);
    const above = Buffer.concat([r, bytes(((p256Order + 1n) / 2n).toString(16).padStart(64, "0"))]);
    expect(normalizeLowS(half)).toEqual(half);
    expect(normalizeLowS(above)).toEqual(half);
  });

  it("changes no byte of its argument", () => {
    const high = bytes(vector.normalized[0]!.signature);
    normalizeLowS(high);
    expect(high.toString("hex")).toBe(vector.normalized[0]!.signature);
  });
});

describe("signEs256", () => {
  it("always gives 64 bytes with a low S that plain ECDSA takes too", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    // 64 signatures: were S not normalized, that no high one shows would have a chance of 2^-64.
    for (let i = 0; i < 64; i += 1) {
      const message = Buffer.from(`message ${i}`);
      const signature = signEs256(message, pair.privateKey);
      verifyEs256(message, signature, pair.publicKey);
      const plain = { key: pair.publicKey, dsaEncoding: "ieee-p1363" } as const;
      expect(verify("sha256", message, plain, signature)).toBe(true);
    }
  });

  it("differs from a bare node:crypto signature, which verifyEs256 refuses half the time", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const codes = new Set<string>();
    for (let i = 0; i < 64; i += 1) {
      const message = Buffer.from(`message ${i}`);
      const bare = sign("sha256", message, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
      try {
        verifyEs256(message, bare, pair.publicKey);
        codes.add("accepted");
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    }
    expect([...codes].sort()).toEqual(["SIGNATURE_HIGH_S", "accepted"]);
  });
});
