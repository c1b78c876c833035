import { describe, expect, it } from "vitest";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { originHash } from "../../protocol/log/originHash.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import { checkMintRequest, type OwnFacts } from "./checkMintRequest.js";

const now_ms = 1_800_000_000_000;
const device = "d".repeat(64);
const inventory = "e".repeat(64);
const recipient = `0x${"ab".repeat(20)}`;
const own: OwnFacts = {
  in_tpm: false,
  silicon: null,
  device,
  uuid: "GPU-a",
  recipient,
  log_origin: "log.test/1",
  contract: `31337:0x${"cd".repeat(20)}`,
  stands_in_for: null,
  isOwnInventory: (statement) => statement === inventory,
  now_ms,
};
const good: MintAuthorization = {
  chain_id: 31_337,
  contract: `0x${"cd".repeat(20)}`,
  recipient,
  device_key_hash: `0x${device}`,
  strong_identity: `0x${"0".repeat(64)}`,
  weak_identity: `0x${weakIdentityOf("GPU-a")}`,
  evidence: `0x${inventory}`,
  log_origin: originHash("log.test/1"),
  header_hash: `0x${"12".repeat(32)}`,
  assurance: 0,
  predecessor: "0",
  nonce: "1",
  deadline: String(now_ms / 1000 + 3600),
};

describe("checkMintRequest", () => {
  it("lets a title say that the key is in a TPM when it is, and no more", () => {
    const inTpm = { ...own, in_tpm: true };
    expect(checkMintRequest({ ...good, assurance: 1 }, inTpm).assurance).toBe(1);
    for (const assurance of [2, 3, 255, 2 ** 32 + 1]) {
      expect(() => checkMintRequest({ ...good, assurance }, inTpm)).toThrowError(
        expect.objectContaining({ code: "MINT_ASSURANCE_TOO_HIGH" }),
      );
    }
  });

  it("consents to no title while the host's GPUs are kept for another one", () => {
    expect(() => checkMintRequest(good, { ...own, stands_in_for: "7" })).toThrowError(
      expect.objectContaining({ code: "MINT_STANDS_IN" }),
    );
  });

  it("lets a title name the silicon that its GPU has shown, with its bit, and no other", () => {
    const shown = { ...own, silicon: "5".repeat(64) };
    const strong_identity = `0x${"5".repeat(64)}`;
    expect(checkMintRequest({ ...good, strong_identity, assurance: 2 }, shown)).toMatchObject({
      strong_identity,
    });
    const refused = [
      ["MINT_STRONG_IDENTITY", { strong_identity: `0x${"6".repeat(64)}`, assurance: 2 }],
      ["MINT_ASSURANCE_TOO_HIGH", { strong_identity, assurance: 3 }],
      ["MINT_ASSURANCE_TOO_HIGH", { assurance: 2 }],
    ] as const;
    for (const [code, change] of refused) {
      expect(() => checkMintRequest({ ...good, ...change }, shown)).toThrowError(
        expect.objectContaining({ code }),
      );
    }
  });

  it("gives back what it checked, without fields that it does not know", () => {
    const asked = { ...good, extra: "x" };
    expect(checkMintRequest(asked, own)).toEqual(good);
  });

  it("takes any contract before the first consent", () => {
    const first = { ...good, chain_id: 1, contract: `0x${"ce".repeat(20)}` };
    expect(checkMintRequest(first, { ...own, contract: null })).toEqual(first);
  });

  it("says how to accept another contract on purpose", () => {
    expect(() => checkMintRequest({ ...good, chain_id: 1 }, own)).toThrow(
      `--accept-contract 1:${good.contract}`,
    );
  });

  it.each<[string, Record<string, unknown>]>([
    ["MINT_DEVICE_MISMATCH", { device_key_hash: `0x${"0".repeat(64)}` }],
    ["MINT_IDENTITY_MISMATCH", { weak_identity: `0x${weakIdentityOf("GPU-b")}` }],
    ["MINT_STRONG_IDENTITY", { strong_identity: `0x${"1".repeat(64)}` }],
    ["MINT_EVIDENCE_UNKNOWN", { evidence: `0x${"f".repeat(64)}` }],
    ["MINT_RECIPIENT_MISMATCH", { recipient: `0x${"ac".repeat(20)}` }],
    ["MINT_ORIGIN_MISMATCH", { log_origin: originHash("log.test/2") }],
    ["MINT_ASSURANCE_TOO_HIGH", { assurance: 1 }],
    ["MINT_CONTRACT_CHANGED", { chain_id: 1 }],
    ["MINT_CONTRACT_CHANGED", { contract: `0x${"ce".repeat(20)}` }],
    ["MINT_DEADLINE", { deadline: String(now_ms / 1000) }],
    ["MINT_DEADLINE", { deadline: String(now_ms / 1000 + 24 * 3600 + 1) }],
    ["MINT_MALFORMED", { chain_id: 0 }],
    ["MINT_MALFORMED", { chain_id: 1.5 }],
    ["MINT_MALFORMED", { assurance: -1 }],
    ["MINT_MALFORMED", { contract: `0x${"CD".repeat(20)}` }],
    ["MINT_MALFORMED", { header_hash: undefined }],
    ["MINT_MALFORMED", { predecessor: "01" }],
    ["MINT_MALFORMED", { nonce: 1 }],
    ["MINT_MALFORMED", { deadline: "-1" }],
  ])("refuses with %s: %j", (code, over) => {
    expect(() => checkMintRequest({ ...good, ...over } as MintAuthorization, own)).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});
