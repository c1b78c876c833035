import { generateKeyPairSync, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  akAttributes,
  attestOf,
  deviceAttributes,
  forgeResidency,
  nameOf,
  newKey,
  primaryNameOf,
  publicArea,
  u16,
} from "../../test/support/forgedTpm.js";
import { spkiOf } from "../crypto/spki.js";
import { CaliberError } from "../errors.js";
import { attestationKeyOf } from "./attestationKeyOf.js";
import { kdfa } from "./kdfa.js";
import { kdfe } from "./kdfe.js";
import { makeCredential } from "./makeCredential.js";
import { parseCreationAttest } from "./parseCreationAttest.js";
import { parseEccPublic } from "./parseEccPublic.js";
import { parseEcdsaSignature } from "./parseEcdsaSignature.js";
import { residencyQualification } from "./residencyQualification.js";
import { tpm2b } from "./tpm2b.js";
import { objectAttribute } from "./tpmConstants.js";
import { verifyKeyResidency } from "./verifyKeyResidency.js";

const coded = (code: string) => expect.objectContaining({ code });
const ak = newKey();
const device = newKey();
const akArea = publicArea(ak, akAttributes);
const qualification = residencyQualification("11".repeat(32), "22".repeat(32), spkiOf(device));
const expected = { ak: attestationKeyOf(akArea), spki: spkiOf(device), qualification };

/**
 * As swtpm 0.7.1 gave it: TPM2B_PUBLIC of a key by `tpm2_create -G ecc256:ecdsa-sha256`, an attestation of a creation over
 * 32 zero bytes, and the name of the key that signed it with its qualified name.
 */
const recorded = {
  public:
    "0023000b00050472000000100018000b000300100020bd633e8ae9b0eefa87e3aa5a73163ddfbffa2f8d413ff5fa61e4" +
    "226a992d165300207aa34cb312a503445afcbfb67be6009cba6ea00077a9dd1535b015940ea9b148",
  name: "000b07616e3b89ecdf08ece6967dfc4a4069690e2d5cbeccfa490772a7bb4b61e9d5",
  attest:
    "ff544347801a0022000b316532e881aa4a8c3ed1fe1c5f4df57b56a7924eff4c6c041070284d75458aff002000000000" +
    "000000000000000000000000000000000000000000000000000000000000000000018ef4000000010000000001201910" +
    "23001636360022000b0cbc8377ec55e9af86788cc8e2b99698daf6685b6b5663d29191e24087567ed20020c836b2d0bc" +
    "9eda3c25287911ccf563e7553e67b9097f6816ba0c2a21a4b2c1c9",
};
const hex = (text: string): Buffer => Buffer.from(text, "hex");

describe("what a TPM gave", () => {
  it("is read, and its names come out as the TPM's own", () => {
    const key = attestationKeyOf(hex(recorded.public));
    expect(key.name).toEqual(hex(recorded.name));
    const attest = parseCreationAttest(hex(recorded.attest));
    expect(attest.extraData).toEqual(Buffer.alloc(32));
    expect(attest.qualifiedSigner).toEqual(primaryNameOf(hex(recorded.public)));
    expect(attest.creationHash).toHaveLength(32);
  });

  it("is refused when a byte is missing or too many", () => {
    for (const [bytes, parse] of [
      [hex(recorded.public), parseEccPublic],
      [hex(recorded.attest), parseCreationAttest],
    ] as const) {
      expect(() => parse(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(coded("TPM_MALFORMED"));
      for (let length = 0; length < bytes.length; length += 1) {
        expect(() => parse(bytes.subarray(0, length))).toThrow(CaliberError);
      }
    }
  });
});

describe("verifyKeyResidency", () => {
  it("takes a plain signing key that its TPM made", () => {
    expect(() => verifyKeyResidency(forgeResidency(ak, device, qualification), expected)).not.toThrow();
  });

  const other = newKey();
  const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, decrypt, sign } = objectAttribute;
  it.each<[string, string, Parameters<typeof forgeResidency>[3]]>([
    ["a signature by another key", "SIGNATURE_INVALID", { by: other }],
    ["what a restricted key signs for anybody", "TPM_ATTEST_TYPE", { magic: 0x00000000 }],
    ["a quote", "TPM_ATTEST_TYPE", { type: 0x8018 }],
    ["a signer outside the endorsement hierarchy", "TPM_ATTEST_SIGNER", { signer: nameOf(akArea) }],
    ["another nonce", "TPM_ATTEST_STALE", { extraData: randomBytes(32) }],
    ["no nonce", "TPM_ATTEST_STALE", { extraData: Buffer.alloc(0) }],
    ["another key's name", "TPM_KEY_MISMATCH", { name: nameOf(publicArea(other, deviceAttributes)) }],
    ["trailing bytes", "TPM_MALFORMED", { tail: Buffer.of(0) }],
    ["a key that can be duplicated", "TPM_KEY_MOVABLE", { attributes: deviceAttributes & ~fixedTpm }],
    ["a key whose parent can change", "TPM_KEY_MOVABLE", { attributes: deviceAttributes & ~fixedParent }],
    ["a key that was imported", "TPM_KEY_MOVABLE", { attributes: deviceAttributes & ~sensitiveDataOrigin }],
    ["a key that does not sign", "TPM_KEY_MOVABLE", { attributes: deviceAttributes & ~sign }],
    ["a key that decrypts", "TPM_KEY_MOVABLE", { attributes: deviceAttributes | decrypt }],
    ["a restricted key", "TPM_KEY_MOVABLE", { attributes: deviceAttributes | restricted }],
  ])("refuses %s", (_, code, options) => {
    expect(() => verifyKeyResidency(forgeResidency(ak, device, qualification, options), expected)).toThrow(
      coded(code),
    );
  });

  it("refuses a key with attributes that the TPM did not name", () => {
    const movable = forgeResidency(ak, device, qualification, { attributes: deviceAttributes & ~fixedTpm });
    const pretty = { ...movable, public: publicArea(device, deviceAttributes) };
    expect(() => verifyKeyResidency(pretty, expected)).toThrow(coded("TPM_KEY_MISMATCH"));
  });

  it("refuses a certificate for another device key", () => {
    const forged = forgeResidency(ak, other, qualification);
    expect(() => verifyKeyResidency(forged, expected)).toThrow(coded("TPM_KEY_MISMATCH"));
  });

  it("is bound to nonce, token and host", () => {
    const spki = spkiOf(other);
    const all = [
      qualification,
      residencyQualification("12".repeat(32), "22".repeat(32), spkiOf(device)),
      residencyQualification("11".repeat(32), "23".repeat(32), spkiOf(device)),
      residencyQualification("11".repeat(32), "22".repeat(32), spki),
    ];
    expect(new Set(all.map((one) => one.toString("hex"))).size).toBe(all.length);
  });
});

describe("attestationKeyOf", () => {
  const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, decrypt, sign } = objectAttribute;
  it.each([
    ["not restricted", akAttributes & ~restricted],
    ["not fixed to its TPM", akAttributes & ~fixedTpm],
    ["not fixed to its parent", akAttributes & ~fixedParent],
    ["imported", akAttributes & ~sensitiveDataOrigin],
    ["no signing key", akAttributes & ~sign],
    ["a key that decrypts", akAttributes | decrypt],
  ])("refuses a key that is %s", (_, attributes) => {
    expect(() => attestationKeyOf(publicArea(ak, attributes))).toThrow(coded("TPM_AK_UNFIT"));
  });

  it("refuses other kinds of keys", () => {
    const at = (offset: number, value: number): Buffer => {
      const bytes = Buffer.from(akArea);
      bytes.writeUInt16BE(value, offset);
      return bytes;
    };
    // RSA; SHA-1 for names; RSASSA; SHA-1 for signatures; P-384.
    for (const [offset, value] of [
      [0, 0x0001],
      [2, 0x0004],
      [12, 0x0014],
      [14, 0x0004],
      [16, 0x0004],
    ] as const) {
      expect(() => attestationKeyOf(at(offset, value))).toThrow(coded("TPM_KEY_UNSUPPORTED"));
    }
    const offCurve = Buffer.from(akArea);
    offCurve[offCurve.length - 1]! ^= 1;
    expect(() => attestationKeyOf(offCurve)).toThrow(coded("KEY_NOT_CANONICAL"));
  });
});

describe("parseEcdsaSignature", () => {
  const wrap = (r: Buffer, s: Buffer, head = [0x0018, 0x000b]): Buffer =>
    Buffer.concat([...head.map(u16), tpm2b(r), tpm2b(s)]);
  it("pads short numbers and lowers a high S", () => {
    expect(parseEcdsaSignature(wrap(Buffer.of(1), Buffer.of(2))).toString("hex")).toBe(
      `${"1".padStart(64, "0")}${"2".padStart(64, "0")}`,
    );
    const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
    order[31]! -= 2;
    expect(parseEcdsaSignature(wrap(Buffer.of(1), order)).toString("hex", 32)).toBe("2".padStart(64, "0"));
  });
  it("refuses others", () => {
    expect(() => parseEcdsaSignature(wrap(Buffer.of(1), Buffer.of(2), [0x0014, 0x000b]))).toThrow(
      coded("TPM_KEY_UNSUPPORTED"),
    );
    expect(() => parseEcdsaSignature(wrap(Buffer.alloc(33), Buffer.of(2)))).toThrow(coded("TPM_MALFORMED"));
    expect(() => parseEcdsaSignature(Buffer.of(0, 24))).toThrow(coded("TPM_MALFORMED"));
  });
});

describe("makeCredential", () => {
  it("refuses endorsement keys that it has no template for", () => {
    for (const { publicKey } of [
      generateKeyPairSync("ec", { namedCurve: "P-384" }),
      generateKeyPairSync("rsa", { modulusLength: 1024 }),
      generateKeyPairSync("ed25519"),
    ]) {
      expect(() => makeCredential(publicKey, Buffer.alloc(34), Buffer.alloc(32))).toThrow(
        coded("EK_UNSUPPORTED"),
      );
    }
  });

  it("derives keys as the specification has it", () => {
    // By hand, over HMAC and SHA-256 of Python's standard library.
    expect(
      kdfa(Buffer.alloc(32, 1), "STORAGE", Buffer.alloc(34, 2), Buffer.alloc(0), 128).toString("hex"),
    ).toBe("dcfc88cdb7a1314e831cc186c6781732");
    expect(
      kdfe(Buffer.alloc(32, 1), "IDENTITY", Buffer.alloc(32, 2), Buffer.alloc(32, 3)).toString("hex"),
    ).toBe("2073a3306eedcfb178183d8a721f949bba9c3d4501b6c2839487bbdd3b973070");
  });
});

describe("the parsers, whatever they are fed", () => {
  const parsers = [parseEccPublic, attestationKeyOf, parseCreationAttest, parseEcdsaSignature];
  const seeds = [
    akArea,
    attestOf({ signer: nameOf(akArea), extraData: qualification, name: nameOf(akArea) }),
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 }),
      fc.nat(400),
    )
    .map(([seed, changes, length]) => {
      const bytes = Buffer.from(seed.subarray(0, length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  it("throw coded errors alone", () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }).map(Buffer.from)), (bytes) => {
        for (const parse of parsers) {
          try {
            parse(bytes);
          } catch (error) {
            if (!(error instanceof CaliberError)) throw error;
          }
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it("take no certificate with a byte changed", () => {
    const good = forgeResidency(ak, device, qualification);
    for (const part of ["public", "attest", "signature"] as const) {
      for (let at = 0; at < good[part].length; at += 1) {
        const bytes = Buffer.from(good[part]);
        bytes[at]! ^= 1 << (at % 8);
        expect(() => verifyKeyResidency({ ...good, [part]: bytes }, expected)).toThrow(CaliberError);
      }
    }
  });
});
