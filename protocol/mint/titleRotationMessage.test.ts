import { hashTypedData, keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import type { TitleRotation } from "../report/schema.js";
import { titleRotationMessage } from "./titleRotationMessage.js";

const rotation: TitleRotation = {
  chain_id: 42_161,
  contract: `0x${"cd".repeat(20)}`,
  token_id: String(2n ** 200n),
  old_key_hash: `0x${"01".repeat(32)}`,
  new_key_hash: `0x${"02".repeat(32)}`,
  evidence: `0x${"03".repeat(32)}`,
  assurance: 3,
  nonce: String(2n ** 64n - 1n),
  deadline: "1800000000",
};

describe("titleRotationMessage", () => {
  it("is what viem makes of the same struct", () => {
    const hash = hashTypedData({
      domain: {
        name: "CaliberToken",
        version: "1",
        chainId: rotation.chain_id,
        verifyingContract: rotation.contract as `0x${string}`,
      },
      types: {
        Rotation: [
          { type: "uint256", name: "tokenId" },
          { type: "bytes32", name: "oldKeyHash" },
          { type: "bytes32", name: "newKeyHash" },
          { type: "bytes32", name: "evidence" },
          { type: "uint8", name: "assurance" },
          { type: "uint64", name: "nonce" },
          { type: "uint64", name: "deadline" },
        ],
      },
      primaryType: "Rotation",
      message: {
        tokenId: BigInt(rotation.token_id),
        oldKeyHash: rotation.old_key_hash as `0x${string}`,
        newKeyHash: rotation.new_key_hash as `0x${string}`,
        evidence: rotation.evidence as `0x${string}`,
        assurance: rotation.assurance,
        nonce: BigInt(rotation.nonce),
        deadline: BigInt(rotation.deadline),
      },
    });
    expect(keccak256(titleRotationMessage(rotation))).toBe(hash);
  });

  it("refuses a number that would be signed as another", () => {
    const invalid = expect.objectContaining({ code: "MINT_AUTHORIZATION_INVALID" });
    expect(() => titleRotationMessage({ ...rotation, nonce: String(2n ** 64n) })).toThrow(invalid);
    expect(() => titleRotationMessage({ ...rotation, assurance: 256 })).toThrow(invalid);
  });
});
