import { describe, expect, it } from "vitest";
import type { TitleRotation } from "../../protocol/report/schema.js";
import { checkRotationRequest, type OwnKeys } from "./checkRotationRequest.js";

const now_ms = 1_800_000_000_000;
const [device, former, first, evidence] = ["d", "c", "b", "e"].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string,
  string,
];
const own: OwnKeys = {
  device,
  former: [former, first],
  rotated_by: evidence,
  contract: `31337:0x${"cd".repeat(20)}`,
  assurance: 2,
  now_ms,
};
const good: TitleRotation = {
  chain_id: 31_337,
  contract: `0x${"cd".repeat(20)}`,
  token_id: "7",
  old_key_hash: `0x${former}`,
  new_key_hash: `0x${device}`,
  evidence: `0x${evidence}`,
  assurance: 2,
  nonce: "1",
  deadline: String(now_ms / 1000 + 3600),
};

describe("checkRotationRequest", () => {
  it("takes a rotation from any key of the chain to the one in force, and gives its known fields only", () => {
    const extra = { ...good, more: "1" };
    expect(checkRotationRequest(extra, own)).toEqual(good);
    const older = { ...good, old_key_hash: `0x${first}` };
    expect(checkRotationRequest(older, { ...own, contract: null })).toEqual(older);
  });

  it.each<[code: string, change: Partial<Record<keyof TitleRotation, unknown>>]>([
    ["TITLE_KEY_MISMATCH", { new_key_hash: `0x${former}` }],
    ["TITLE_KEY_MISMATCH", { old_key_hash: `0x${device}` }],
    ["TITLE_EVIDENCE_UNKNOWN", { evidence: `0x${first}` }],
    ["TITLE_ASSURANCE_TOO_HIGH", { assurance: 3 }],
    ["TITLE_ASSURANCE_TOO_HIGH", { assurance: 2 ** 32 + 2 }],
    ["TITLE_CONTRACT_CHANGED", { contract: `0x${"ce".repeat(20)}` }],
    ["TITLE_CONTRACT_CHANGED", { chain_id: 1 }],
    ["TITLE_DEADLINE", { deadline: String(now_ms / 1000) }],
    ["TITLE_DEADLINE", { deadline: String(now_ms / 1000 + 86_401) }],
    ["TITLE_REQUEST_MALFORMED", { token_id: 7 }],
    ["TITLE_REQUEST_MALFORMED", { token_id: "0x7" }],
    ["TITLE_REQUEST_MALFORMED", { old_key_hash: former }],
    ["TITLE_REQUEST_MALFORMED", { deadline: undefined }],
    ["TITLE_REQUEST_MALFORMED", { chain_id: 0.5 }],
    ["TITLE_REQUEST_MALFORMED", { assurance: -1 }],
  ])("refuses with %s %o", (code, change) => {
    const asked = { ...good, ...change } as TitleRotation;
    expect(() => checkRotationRequest(asked, own)).toThrowError(expect.objectContaining({ code }));
  });

  it("refuses when it has no record of the rotation", () => {
    expect(() => checkRotationRequest(good, { ...own, rotated_by: null })).toThrowError(
      expect.objectContaining({ code: "TITLE_EVIDENCE_UNKNOWN" }),
    );
  });
});
