import { describe, expect, it } from "vitest";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { originHash } from "../../protocol/log/originHash.js";
import type { TitleReplacement } from "../../protocol/report/schema.js";
import { checkReplacementRequest, type OwnStandIn } from "./checkReplacementRequest.js";

const now_ms = 1_800_000_000_000;
const week_s = 7 * 24 * 3600;
const [device, evidence, silicon] = ["d", "e", "5"].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string,
];
const own: OwnStandIn = {
  accepted: "7",
  device,
  uuid: "GPU-a",
  log_origin: "log.test/1",
  contract: `31337:0x${"cd".repeat(20)}`,
  isOwnInventory: (statement) => statement === evidence,
  in_tpm: false,
  silicon: null,
  now_ms,
};
const good: TitleReplacement = {
  chain_id: 31_337,
  contract: `0x${"cd".repeat(20)}`,
  token_id: "7",
  fingerprint: `0x${"12".repeat(32)}`,
  device_key_hash: `0x${device}`,
  strong_identity: `0x${"0".repeat(64)}`,
  weak_identity: `0x${weakIdentityOf("GPU-a")}`,
  evidence: `0x${evidence}`,
  log_origin: originHash("log.test/1"),
  header_hash: `0x${"34".repeat(32)}`,
  assurance: 0,
  predecessor: "3",
  nonce: "0",
  deadline: String(now_ms / 1000 + week_s),
};

describe("checkReplacementRequest", () => {
  it("takes the token that was accepted, for a week at most, and gives its known fields only", () => {
    expect(checkReplacementRequest({ ...good, more: "1" } as TitleReplacement, own)).toEqual(good);
    expect(checkReplacementRequest(good, { ...own, contract: null })).toEqual(good);
  });

  it("lets a title name the silicon that its GPU has shown, with its bit, and no other", () => {
    const shown = { ...good, strong_identity: `0x${silicon}`, assurance: 2 };
    expect(checkReplacementRequest(shown, { ...own, silicon })).toEqual(shown);
    expect(() => checkReplacementRequest({ ...shown, assurance: 0 }, own)).toThrowError(
      expect.objectContaining({ code: "TITLE_IDENTITY_MISMATCH" }),
    );
    expect(() => checkReplacementRequest({ ...good, assurance: 2 }, { ...own, silicon })).toThrowError(
      expect.objectContaining({ code: "TITLE_ASSURANCE_TOO_HIGH" }),
    );
  });

  it.each<[code: string, change: Partial<Record<keyof TitleReplacement, unknown>>]>([
    ["TITLE_NOT_ACCEPTED", { token_id: "8" }],
    ["TITLE_NOT_ACCEPTED", { token_id: "77" }],
    ["TITLE_KEY_MISMATCH", { device_key_hash: `0x${evidence}` }],
    ["TITLE_IDENTITY_MISMATCH", { weak_identity: `0x${weakIdentityOf("GPU-b")}` }],
    ["TITLE_IDENTITY_MISMATCH", { strong_identity: `0x${silicon}` }],
    ["TITLE_EVIDENCE_UNKNOWN", { evidence: `0x${device}` }],
    ["TITLE_ORIGIN_MISMATCH", { log_origin: originHash("log.test/2") }],
    ["TITLE_ASSURANCE_TOO_HIGH", { assurance: 1 }],
    ["TITLE_CONTRACT_CHANGED", { contract: `0x${"ce".repeat(20)}` }],
    ["TITLE_CONTRACT_CHANGED", { chain_id: 1 }],
    ["TITLE_DEADLINE", { deadline: String(now_ms / 1000) }],
    ["TITLE_DEADLINE", { deadline: String(now_ms / 1000 + week_s + 1) }],
    ["TITLE_REQUEST_MALFORMED", { token_id: 7 }],
    ["TITLE_REQUEST_MALFORMED", { token_id: "07" }],
    ["TITLE_REQUEST_MALFORMED", { fingerprint: "12".repeat(32) }],
    ["TITLE_REQUEST_MALFORMED", { header_hash: undefined }],
    ["TITLE_REQUEST_MALFORMED", { predecessor: "-1" }],
  ])("refuses with %s %o", (code, change) => {
    const asked = { ...good, ...change } as TitleReplacement;
    expect(() => checkReplacementRequest(asked, own)).toThrowError(expect.objectContaining({ code }));
  });

  it("refuses every token when none was accepted, and says how one would be", () => {
    expect(() => checkReplacementRequest(good, { ...own, accepted: null })).toThrowError(
      expect.objectContaining({ message: expect.stringContaining("--accept-replacement 7") }),
    );
  });
});
