import { hashTypedData, keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/replacement.json" with { type: "json" };
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { parseReport } from "../report/parseReport.js";
import type { TitleReplacement } from "../report/schema.js";
import { titleReplacementMessage } from "./titleReplacementMessage.js";

const word = (digit: string) => `0x${digit.repeat(64)}` as const;
const replacement: TitleReplacement = {
  chain_id: 42_161,
  contract: `0x${"cd".repeat(20)}`,
  token_id: String(2n ** 200n),
  fingerprint: word("1"),
  device_key_hash: word("2"),
  strong_identity: word("3"),
  weak_identity: word("4"),
  evidence: word("5"),
  log_origin: word("6"),
  header_hash: word("7"),
  assurance: 3,
  predecessor: String(2n ** 255n),
  nonce: String(2n ** 64n - 1n),
  deadline: "1800000000",
};

describe("titleReplacementMessage", () => {
  it("is what viem makes of the same struct", () => {
    const hash = hashTypedData({
      domain: {
        name: "CaliberToken",
        version: "1",
        chainId: replacement.chain_id,
        verifyingContract: replacement.contract as `0x${string}`,
      },
      types: {
        Replacement: [
          { type: "uint256", name: "tokenId" },
          { type: "bytes32", name: "fingerprint" },
          { type: "bytes32", name: "deviceKeyHash" },
          { type: "bytes32", name: "strongIdentity" },
          { type: "bytes32", name: "weakIdentity" },
          { type: "bytes32", name: "evidence" },
          { type: "bytes32", name: "logOrigin" },
          { type: "bytes32", name: "headerHash" },
          { type: "uint8", name: "assurance" },
          { type: "uint256", name: "predecessor" },
          { type: "uint64", name: "nonce" },
          { type: "uint64", name: "deadline" },
        ],
      },
      primaryType: "Replacement",
      message: {
        tokenId: BigInt(replacement.token_id),
        fingerprint: word("1"),
        deviceKeyHash: word("2"),
        strongIdentity: word("3"),
        weakIdentity: word("4"),
        evidence: word("5"),
        logOrigin: word("6"),
        headerHash: word("7"),
        assurance: replacement.assurance,
        predecessor: BigInt(replacement.predecessor),
        nonce: BigInt(replacement.nonce),
        deadline: BigInt(replacement.deadline),
      },
    });
    expect(keccak256(titleReplacementMessage(replacement))).toBe(hash);
  });

  it("refuses a number that would be signed as another", () => {
    const invalid = expect.objectContaining({ code: "MINT_AUTHORIZATION_INVALID" });
    for (const change of [
      { nonce: String(2n ** 64n) },
      { assurance: 256 },
      { token_id: String(2n ** 256n) },
    ]) {
      expect(() => titleReplacementMessage({ ...replacement, ...change })).toThrow(invalid);
    }
  });
});

describe("the replacement vector", () => {
  it("is signed by the device, in a report that follows on its inventory", () => {
    const message = titleReplacementMessage(vector.replacement);
    expect(message.toString("hex")).toBe(vector.message);
    expect(keccak256(message)).toBe(vector.digest);
    const key = publicKeyFromSpki(Buffer.from(vector.device_spki, "hex"));
    expect(() => verifyEs256(message, Buffer.from(vector.signature, "hex"), key)).not.toThrow();
    const [inventory, told] = vector.reports.map(({ payload }) => parseReport(Buffer.from(payload)));
    expect(told).toMatchObject({
      kind: "replace-title",
      prev: vector.reports[0]!.statement,
      body: { replacement: vector.replacement, signature: vector.signature },
    });
    expect(inventory!.kind).toBe("inventory");
    expect(vector.replacement.evidence).toBe(`0x${told!.prev}`);
  });
});
