import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { tpm2b } from "../../protocol/tpm/tpm2b.js";
import {
  attestCreation,
  endorsementHierarchy,
  objectAttribute,
  tpmGenerated,
} from "../../protocol/tpm/tpmConstants.js";

/** TPM structures made by hand from keys in software: what a liar can send, well formed in all but what is asked for. */

const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, sign } = objectAttribute;
const userWithAuth = 1 << 6;
export const deviceAttributes = fixedTpm | fixedParent | sensitiveDataOrigin | userWithAuth | sign;
export const akAttributes = deviceAttributes | restricted;

export const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
export const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);

export const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** TPMT_PUBLIC of a P-256 ECDSA key. */
export function publicArea(key: KeyObject, attributes: number): Buffer {
  const spki = spkiOf(key);
  return Buffer.concat([
    ...[u16(0x0023), u16(0x000b), u32(attributes), tpm2b(Buffer.alloc(0)), u16(0x0010)],
    ...[u16(0x0018), u16(0x000b), u16(0x0003), u16(0x0010)],
    ...[tpm2b(spki.subarray(27, 59)), tpm2b(spki.subarray(59))],
  ]);
}

export function nameOf(area: Buffer): Buffer {
  return Buffer.concat([u16(0x000b), createHash("sha256").update(area).digest()]);
}

export type Attested = {
  magic: number;
  type: number;
  signer: Buffer;
  extraData: Buffer;
  name: Buffer;
  tail: Buffer;
};

/** TPMS_ATTEST of a creation. */
export function attestOf({
  signer,
  extraData,
  name,
  ...rest
}: Pick<Attested, "signer" | "extraData" | "name"> & Partial<Attested>): Buffer {
  const { magic = tpmGenerated, type = attestCreation, tail = Buffer.alloc(0) } = rest;
  const clockAndFirmware = Buffer.alloc(17 + 8);
  return Buffer.concat([
    ...[u32(magic), u16(type), tpm2b(signer), tpm2b(extraData), clockAndFirmware],
    ...[tpm2b(name), tpm2b(Buffer.alloc(32)), tail],
  ]);
}

/** Qualified name of a primary key of the endorsement hierarchy. */
export function primaryNameOf(area: Buffer): Buffer {
  return Buffer.concat([
    u16(0x000b),
    createHash("sha256").update(u32(endorsementHierarchy)).update(nameOf(area)).digest(),
  ]);
}

/** A whole certificate of residency as a liar with the attestation key would make it. */
export function forgeResidency(
  ak: KeyObject,
  device: KeyObject,
  qualification: Buffer,
  options: { attributes?: number; by?: KeyObject } & Partial<Attested> = {},
) {
  const { attributes = deviceAttributes, by = ak, ...over } = options;
  const area = publicArea(device, attributes);
  const attest = attestOf({
    signer: primaryNameOf(publicArea(ak, akAttributes)),
    extraData: qualification,
    name: nameOf(area),
    ...over,
  });
  return { public: area, attest, signature: signEs256(attest, by) };
}
