import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { domainSeparator, type Hex, hashStruct, hashTypedData, keccak256, stringToHex } from "viem";
import { describe, expect, it } from "vitest";
import { mintAuthorizationMessage } from "../protocol/mint/mintAuthorizationMessage.js";

const vector = JSON.parse(
  readFileSync(new URL("../fixtures/vectors/mint-authorization.json", import.meta.url), "utf8"),
);

const bytesOf = (hex: string) => Buffer.from(hex.slice(2), "hex");
const sha256 = (bytes: Buffer) => `0x${createHash("sha256").update(bytes).digest("hex")}`;

/** Members in the order of the published type string. */
const types = {
  MintAuthorization: vector.type
    .replace(/^MintAuthorization\((.*)\)$/, "$1")
    .split(",")
    .map((member: string) => ({ type: member.split(" ")[0], name: member.split(" ")[1] })),
};
const message = {
  ...vector.message,
  predecessor: BigInt(vector.message.predecessor),
  nonce: BigInt(vector.message.nonce),
  deadline: BigInt(vector.message.deadline),
};

describe("the mint authorization's vector, from the device's side", () => {
  it("names the key by its canonical SPKI", () => {
    const { x, y, spki } = vector.key;
    expect(spki).toBe(`0x3059301306072a8648ce3d020106082a8648ce3d03010703420004${x.slice(2)}${y.slice(2)}`);
    expect(bytesOf(spki)).toHaveLength(91);
    expect(sha256(bytesOf(spki))).toBe(vector.message.deviceKeyHash);
  });

  it("hashes as EIP-712 says", () => {
    const structHash = hashStruct({ data: message, primaryType: "MintAuthorization", types });
    expect(keccak256(stringToHex(vector.type))).toBe(vector.typeHash);
    expect(domainSeparator({ domain: vector.domain })).toBe(vector.domainSeparator);
    expect(structHash).toBe(vector.structHash);
    expect(vector.preimage).toBe(`0x1901${vector.domainSeparator.slice(2)}${structHash.slice(2)}`);
    const keccakOfPreimage = hashTypedData({
      domain: vector.domain,
      message,
      primaryType: "MintAuthorization",
      types,
    });
    expect(keccak256(vector.preimage as Hex)).toBe(keccakOfPreimage);
    expect(sha256(bytesOf(vector.preimage))).toBe(vector.digest);
  });

  it("is what the protocol's own encoder writes", () => {
    const { domain } = vector;
    const encoded = mintAuthorizationMessage({
      chain_id: domain.chainId,
      contract: domain.verifyingContract.toLowerCase(),
      recipient: vector.message.recipient.toLowerCase(),
      device_key_hash: vector.message.deviceKeyHash,
      strong_identity: vector.message.strongIdentity,
      weak_identity: vector.message.weakIdentity,
      evidence: vector.message.evidence,
      log_origin: vector.message.logOrigin,
      header_hash: vector.message.headerHash,
      assurance: vector.message.assurance,
      predecessor: vector.message.predecessor,
      nonce: vector.message.nonce,
      deadline: vector.message.deadline,
    });
    expect(`0x${encoded.toString("hex")}`).toBe(vector.preimage);
  });

  it("is signed with ECDSA over SHA-256 of the preimage, by both twins of s", () => {
    const key = createPublicKey({ key: bytesOf(vector.key.spki), format: "der", type: "spki" });
    const isSigned = (r: string, s: string) =>
      verify("sha256", bytesOf(vector.preimage), { key, dsaEncoding: "ieee-p1363" }, bytesOf(r + s.slice(2)));
    expect(isSigned(vector.signature.r, vector.signature.s)).toBe(true);
    expect(isSigned(vector.refusedSignature.r, vector.refusedSignature.s)).toBe(true);
    const halfOrder = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
    expect(BigInt(vector.signature.s) <= halfOrder).toBe(true);
    expect(BigInt(vector.refusedSignature.s) > halfOrder).toBe(true);
  });
});
