import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkMintRequest, type OwnFacts } from "../../agent/runtime/checkMintRequest.js";
import { checkReplacementRequest, type OwnStandIn } from "../../agent/runtime/checkReplacementRequest.js";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import type { DownBody, DownMessage } from "../../protocol/down/downMessage.js";
import { openDown } from "../../protocol/down/openDown.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { type PayloadType, payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { originHash } from "../../protocol/log/originHash.js";
import type { MintAuthorization, TitleReplacement } from "../../protocol/report/schema.js";

const now_ms = Date.UTC(2026, 10, 21);
const registry = generateKeyPairSync("ec", { namedCurve: "P-256" });
const broker = generateKeyPairSync("ec", { namedCurve: "P-256" });
const host = "h-1";
const context = { host, lastSeq: 7, now_ms };
const receipt: DownBody = { type: "receipt", received_at_ms: now_ms, kept: [], refused: [] };
const message = (change: Partial<DownMessage> = {}): DownMessage => ({
  v: 1,
  aud: host,
  seq: 8,
  issued_ms: now_ms,
  expires_ms: now_ms + 1000,
  body: receipt,
  ...change,
});
const sealed = (value: object, key: KeyObject = registry.privateKey, type: PayloadType = payloadTypes.down) =>
  encodeEnvelope(signEnvelope(type, Buffer.from(JSON.stringify(value)), key).envelope, "");
const contract = `0x${"cd".repeat(20)}` as const;
/** That a GPU stand in behind token 7, as its host has accepted. */
const swap: TitleReplacement = {
  chain_id: 31_337,
  contract,
  token_id: "7",
  fingerprint: `0x${"12".repeat(32)}`,
  device_key_hash: `0x${"d".repeat(64)}`,
  strong_identity: `0x${"0".repeat(64)}`,
  weak_identity: `0x${weakIdentityOf("GPU-a")}`,
  evidence: `0x${"e".repeat(64)}`,
  log_origin: originHash("log.example/1"),
  header_hash: `0x${"12".repeat(32)}`,
  assurance: 0,
  predecessor: "0",
  nonce: "0",
  deadline: String(now_ms / 1000 + 3600),
};
const coded = (code: string) => expect.objectContaining({ code });

describe("what a broker may send down and no host takes", () => {
  it.each<{ name: string; code: string; bytes: Buffer }>([
    {
      name: "a receipt that the broker forged",
      code: "SIGNATURE_INVALID",
      bytes: sealed(message(), broker.privateKey),
    },
    {
      name: "a request to stand in behind a title, forged by the broker",
      code: "SIGNATURE_INVALID",
      bytes: sealed(
        message({ body: { type: "replacement-request", device: "d".repeat(64), replacement: swap } }),
        broker.privateKey,
      ),
    },
    { name: "a receipt for another host", code: "DOWN_NOT_FOR_US", bytes: sealed(message({ aud: "h-2" })) },
    { name: "a receipt repeated", code: "DOWN_REPLAYED", bytes: sealed(message({ seq: 7 })) },
    {
      name: "an old chain head, sent again to turn a chain back",
      code: "DOWN_REPLAYED",
      bytes: sealed(message({ seq: 3, body: { type: "head", nonce: "0".repeat(32), heads: [] } })),
    },
    {
      name: "a message held back until it expired",
      code: "DOWN_EXPIRED",
      bytes: sealed(message({ expires_ms: now_ms })),
    },
    {
      name: "an event of the registry, sent as a message to a host",
      code: "PAYLOAD_TYPE_UNKNOWN",
      bytes: sealed(message(), registry.privateKey, payloadTypes.event),
    },
    {
      name: "a receipt with a report added by the broker",
      code: "SIGNATURE_INVALID",
      bytes: (() => {
        const envelope = parseEnvelope(sealed(message()));
        const payload = envelope.payload.toString().replace('"kept":[]', '"kept":[{}]');
        return encodeEnvelope({ ...envelope, payload: Buffer.from(payload) }, "");
      })(),
    },
  ])("$name", ({ code, bytes }) => {
    expect(() => openDown(bytes, registry.publicKey, context)).toThrow(coded(code));
    // The honest one is taken, and re-encoding by the broker does it no harm.
    const again = Buffer.from(JSON.stringify(JSON.parse(sealed(message()).toString()), null, 4));
    expect(openDown(again, registry.publicKey, context).seq).toBe(8);
  });
});

describe("titles that a device does not consent to", () => {
  const own: OwnFacts = {
    in_tpm: false,
    silicon: null,
    device: "d".repeat(64),
    uuid: "GPU-a",
    recipient: `0x${"ab".repeat(20)}`,
    log_origin: "log.example/1",
    contract: `31337:${contract}`,
    stands_in_for: null,
    isOwnInventory: (statement) => statement === "e".repeat(64),
    now_ms,
  };
  const honest: MintAuthorization = {
    chain_id: 31_337,
    contract,
    recipient: own.recipient,
    device_key_hash: `0x${own.device}`,
    strong_identity: `0x${"0".repeat(64)}`,
    weak_identity: `0x${weakIdentityOf("GPU-a")}`,
    evidence: `0x${"e".repeat(64)}`,
    log_origin: originHash("log.example/1"),
    header_hash: `0x${"12".repeat(32)}`,
    assurance: 0,
    predecessor: "0",
    nonce: "1",
    deadline: String(now_ms / 1000 + 3600),
  };
  it.each<{ name: string; code: string; change: Partial<MintAuthorization> }>([
    {
      name: "a mint consent replayed for another contract (a second pledge)",
      code: "MINT_CONTRACT_CHANGED",
      change: { contract: `0x${"ce".repeat(20)}` },
    },
    {
      name: "a mint consent replayed for another chain",
      code: "MINT_CONTRACT_CHANGED",
      change: { chain_id: 1 },
    },
    {
      name: "a title for somebody else",
      code: "MINT_RECIPIENT_MISMATCH",
      change: { recipient: `0x${"ac".repeat(20)}` },
    },
    {
      name: "a title over another GPU",
      code: "MINT_IDENTITY_MISMATCH",
      change: { weak_identity: `0x${weakIdentityOf("GPU-b")}` },
    },
    {
      name: "a title on another device's key",
      code: "MINT_DEVICE_MISMATCH",
      change: { device_key_hash: `0x${"c".repeat(64)}` },
    },
    {
      name: "a title that rests on an inventory nobody signed",
      code: "MINT_EVIDENCE_UNKNOWN",
      change: { evidence: `0x${"f".repeat(64)}` },
    },
    {
      name: "a title that claims a TPM which is not there (assurance raised)",
      code: "MINT_ASSURANCE_TOO_HIGH",
      change: { assurance: 1 },
    },
    {
      name: "a title of another log",
      code: "MINT_ORIGIN_MISMATCH",
      change: { log_origin: originHash("log.example/2") },
    },
    { name: "a consent that is good for ever", code: "MINT_DEADLINE", change: { deadline: String(now_ms) } },
  ])("$name", ({ code, change }) => {
    expect(() => checkMintRequest({ ...honest, ...change }, own)).toThrow(coded(code));
    expect(checkMintRequest(honest, own)).toEqual(honest);
  });

  it("a title of its own for a GPU that is kept for another one", () => {
    expect(() => checkMintRequest(honest, { ...own, stands_in_for: "7" })).toThrow(coded("MINT_STANDS_IN"));
  });
});

describe("titles that a device does not stand in behind", () => {
  const own: OwnStandIn = {
    accepted: "7",
    device: "d".repeat(64),
    uuid: "GPU-a",
    log_origin: "log.example/1",
    contract: `31337:${contract}`,
    isOwnInventory: (statement) => statement === "e".repeat(64),
    in_tpm: false,
    silicon: null,
    now_ms,
  };
  it.each<{ name: string; code: string; change: Partial<TitleReplacement> }>([
    {
      name: "a swap into a title that its operator did not accept",
      code: "TITLE_NOT_ACCEPTED",
      change: { token_id: "8" },
    },
    {
      name: "a swap on a second contract (a second pledge)",
      code: "TITLE_CONTRACT_CHANGED",
      change: { contract: `0x${"ce".repeat(20)}` },
    },
    {
      name: "a swap on another device's key",
      code: "TITLE_KEY_MISMATCH",
      change: { device_key_hash: `0x${"c".repeat(64)}` },
    },
    {
      name: "a swap that names another GPU",
      code: "TITLE_IDENTITY_MISMATCH",
      change: { weak_identity: `0x${weakIdentityOf("GPU-b")}` },
    },
    {
      name: "a swap that claims silicon which was not shown",
      code: "TITLE_ASSURANCE_TOO_HIGH",
      change: { assurance: 2 },
    },
    {
      name: "a swap into another log",
      code: "TITLE_ORIGIN_MISMATCH",
      change: { log_origin: originHash("log.example/2") },
    },
    {
      name: "a swap that is good for a month",
      code: "TITLE_DEADLINE",
      change: { deadline: String(now_ms / 1000 + 30 * 86_400) },
    },
  ])("$name", ({ code, change }) => {
    expect(() => checkReplacementRequest({ ...swap, ...change }, own)).toThrow(coded(code));
    expect(checkReplacementRequest(swap, own)).toEqual(swap);
    expect(() => checkReplacementRequest(swap, { ...own, accepted: null })).toThrow(
      coded("TITLE_NOT_ACCEPTED"),
    );
  });
});
