import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { mintAuthorizationMessage } from "../../protocol/mint/mintAuthorizationMessage.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import { consentMatches } from "./consentMatches.js";

const now_s = 1_800_000_000;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const spki = spkiOf(privateKey);
const word = (tag: string) => `0x${tag.repeat(32)}`;
const asked: MintAuthorization = {
  chain_id: 31337,
  contract: `0x${"11".repeat(20)}`,
  recipient: `0x${"22".repeat(20)}`,
  device_key_hash: word("33"),
  strong_identity: word("00"),
  weak_identity: word("44"),
  evidence: word("55"),
  log_origin: word("66"),
  header_hash: word("77"),
  assurance: 0,
  predecessor: "0",
  nonce: "0",
  deadline: String(now_s + 3_600),
};
const consentTo = (authorization: MintAuthorization) => ({
  device: "d",
  authorization,
  signature: signEs256(mintAuthorizationMessage(authorization), privateKey).toString("hex"),
});

describe("consentMatches", () => {
  it("takes just what was asked, with any earlier deadline that leaves time", () => {
    expect(consentMatches(consentTo(asked), asked, spki, now_s)).toBe(true);
    const sooner = { ...asked, deadline: String(now_s + 120) };
    expect(consentMatches(consentTo(sooner), asked, spki, now_s)).toBe(true);
  });

  it.each([
    ["chain_id", 1],
    ["contract", `0x${"99".repeat(20)}`],
    ["recipient", `0x${"99".repeat(20)}`],
    ["device_key_hash", word("99")],
    ["strong_identity", word("99")],
    ["weak_identity", word("99")],
    ["evidence", word("99")],
    ["log_origin", word("99")],
    ["header_hash", word("99")],
    ["assurance", 3],
    ["predecessor", "9"],
    ["nonce", "1"],
    ["deadline", String(now_s + 119)],
    ["deadline", String(now_s + 3_601)],
  ])("passes over a signed consent with another %s", (name, value) => {
    expect(consentMatches(consentTo({ ...asked, [name]: value }), asked, spki, now_s)).toBe(false);
  });

  it("throws for a consent that the device's key has not signed", () => {
    const { privateKey: other } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(() => consentMatches(consentTo(asked), asked, spkiOf(other), now_s)).toThrow(
      expect.objectContaining({ code: "SIGNATURE_INVALID" }),
    );
  });
});
