import { createPublicKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/identity.json" with { type: "json" };
import { originHash } from "../log/originHash.js";
import { deviceIdOf } from "./deviceIdOf.js";
import { publicKeyFromSpki, spkiOf } from "./spki.js";
import { weakIdentityOf } from "./weakIdentityOf.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const notCanonical = expect.objectContaining({ code: "KEY_NOT_CANONICAL" });

describe("device_id", () => {
  it("is SHA-256 of the canonical SPKI", () => {
    const { spki, device_id } = vector.device_id;
    expect(deviceIdOf(bytes(spki))).toBe(device_id);
    expect(spkiOf(publicKeyFromSpki(bytes(spki))).toString("hex")).toBe(spki);
  });

  it("is the same from the private and the public key", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(spkiOf(privateKey)).toEqual(spkiOf(publicKey));
  });
});

describe("publicKeyFromSpki", () => {
  it.each(vector.refused_spki)("refuses: $name", ({ spki }) => {
    expect(() => publicKeyFromSpki(bytes(spki))).toThrow(notCanonical);
  });

  it("refuses what OpenSSL would take: a compressed point and explicit curve parameters", () => {
    const compressed = bytes(vector.refused_spki.find(({ name }) => name === "compressed point")!.spki);
    expect(createPublicKey({ key: compressed, format: "der", type: "spki" }).asymmetricKeyType).toBe("ec");
    expect(() => publicKeyFromSpki(compressed)).toThrow(notCanonical);
    const explicit = generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" });
    const der = explicit.publicKey.export({ format: "der", type: "spki" });
    expect(() => publicKeyFromSpki(der)).toThrow(notCanonical);
    expect(() => spkiOf(explicit.publicKey)).toThrow(notCanonical);
  });

  it.each(["P-384", "P-521", "secp256k1", "brainpoolP256r1", "SM2"])("refuses a key on %s", (namedCurve) => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
    expect(() => publicKeyFromSpki(publicKey.export({ format: "der", type: "spki" }))).toThrow(notCanonical);
    expect(() => spkiOf(privateKey)).toThrow(notCanonical);
  });

  it("refuses Ed25519 and RSA keys", () => {
    for (const { publicKey } of [
      generateKeyPairSync("ed25519"),
      generateKeyPairSync("rsa", { modulusLength: 1024 }),
    ]) {
      expect(() => publicKeyFromSpki(publicKey.export({ format: "der", type: "spki" }))).toThrow(
        notCanonical,
      );
      expect(() => spkiOf(publicKey)).toThrow(notCanonical);
    }
  });

  it("refuses any bytes, also behind the right prefix", () => {
    const prefix = bytes(vector.device_id.spki).subarray(0, 27);
    const point = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), point, (any, coordinates) => {
        expect(() => publicKeyFromSpki(any)).toThrow(notCanonical);
        expect(() => publicKeyFromSpki(Buffer.concat([prefix, coordinates]))).toThrow(notCanonical);
      }),
    );
  });
});

describe("names that go on chain", () => {
  it.each(vector.weak_identity)("weak identity of $gpu_uuid", ({ gpu_uuid, weak_identity }) => {
    expect(weakIdentityOf(gpu_uuid)).toBe(weak_identity);
  });

  it.each(vector.log_origin)("hash of the origin $origin", ({ origin, hash }) => {
    expect(originHash(origin)).toBe(hash);
  });
});
