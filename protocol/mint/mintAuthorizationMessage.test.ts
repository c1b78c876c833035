import fc from "fast-check";
import { hashTypedData, keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/mint-authorization.json" with { type: "json" };
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import type { MintAuthorization } from "../report/schema.js";
import { mintAuthorizationMessage } from "./mintAuthorizationMessage.js";

const members = vector.type
  .slice("MintAuthorization(".length, -1)
  .split(",")
  .map((member) => {
    const [type, name] = member.split(" ");
    return { type: type!, name: name! };
  });

/** viem's EIP-712, which shares no code with ours but keccak. */
function viemHash(auth: MintAuthorization): string {
  return hashTypedData({
    domain: {
      name: "CaliberToken",
      version: "1",
      chainId: auth.chain_id,
      verifyingContract: auth.contract as `0x${string}`,
    },
    types: { MintAuthorization: members },
    primaryType: "MintAuthorization",
    message: {
      recipient: auth.recipient,
      deviceKeyHash: auth.device_key_hash,
      strongIdentity: auth.strong_identity,
      weakIdentity: auth.weak_identity,
      evidence: auth.evidence,
      logOrigin: auth.log_origin,
      headerHash: auth.header_hash,
      assurance: auth.assurance,
      predecessor: BigInt(auth.predecessor),
      nonce: BigInt(auth.nonce),
      deadline: BigInt(auth.deadline),
    },
  });
}

const { domain, message } = vector;
const published: MintAuthorization = {
  chain_id: domain.chainId,
  contract: domain.verifyingContract.toLowerCase(),
  recipient: message.recipient.toLowerCase(),
  device_key_hash: message.deviceKeyHash,
  strong_identity: message.strongIdentity,
  weak_identity: message.weakIdentity,
  evidence: message.evidence,
  log_origin: message.logOrigin,
  header_hash: message.headerHash,
  assurance: message.assurance,
  predecessor: message.predecessor,
  nonce: message.nonce,
  deadline: message.deadline,
};

const hexOf = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }).map(String);
const authorization: fc.Arbitrary<MintAuthorization> = fc.record({
  chain_id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  contract: hexOf(20),
  recipient: hexOf(20),
  device_key_hash: hexOf(32),
  strong_identity: hexOf(32),
  weak_identity: hexOf(32),
  evidence: hexOf(32),
  log_origin: hexOf(32),
  header_hash: hexOf(32),
  assurance: fc.integer({ min: 0, max: 255 }),
  predecessor: uint(256),
  nonce: uint(64),
  deadline: uint(64),
});

describe("mintAuthorizationMessage", () => {
  it("gives the published preimage, whose signature is the key's", () => {
    const bytes = mintAuthorizationMessage(published);
    expect(`0x${bytes.toString("hex")}`).toBe(vector.preimage);
    const key = publicKeyFromSpki(Buffer.from(vector.key.spki.slice(2), "hex"));
    const bytesOf = ({ r, s }: { r: string; s: string }) => Buffer.from(r.slice(2) + s.slice(2), "hex");
    verifyEs256(bytes, bytesOf(vector.signature), key);
    expect(() => verifyEs256(bytes, bytesOf(vector.refusedSignature), key)).toThrow(
      expect.objectContaining({ code: "SIGNATURE_HIGH_S" }),
    );
  });

  it("is 66 bytes whose keccak is viem's hashTypedData", () => {
    fc.assert(
      fc.property(authorization, (auth) => {
        const bytes = mintAuthorizationMessage(auth);
        expect(bytes.length).toBe(66);
        expect(keccak256(bytes)).toBe(viemHash(auth));
      }),
    );
  });

  it("refuses a number that its type cannot hold, instead of signing another", () => {
    const invalid = expect.objectContaining({ code: "MINT_AUTHORIZATION_INVALID" });
    const tooBig: Partial<MintAuthorization>[] = [
      { predecessor: (2n ** 256n).toString() },
      { predecessor: "9".repeat(78) },
      { nonce: (2n ** 64n).toString() },
      { deadline: (2n ** 64n).toString() },
      { assurance: 256 },
    ];
    for (const change of tooBig)
      expect(() => mintAuthorizationMessage({ ...published, ...change })).toThrow(invalid);
    const largest = { predecessor: (2n ** 256n - 1n).toString(), nonce: (2n ** 64n - 1n).toString() };
    expect(keccak256(mintAuthorizationMessage({ ...published, ...largest }))).toBe(
      viemHash({ ...published, ...largest }),
    );
  });
});
