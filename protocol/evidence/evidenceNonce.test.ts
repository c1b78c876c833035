import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/evidence.json" with { type: "json" };
import { type EvidenceNonceParts, evidenceNonce } from "./evidenceNonce.js";
import { strongIdentityOf } from "./strongIdentityOf.js";

const nonces: (EvidenceNonceParts & { nonce: string })[] = vector.nonces;
const parts: EvidenceNonceParts = nonces[0]!;

describe("evidenceNonce", () => {
  it.each(nonces)("of $log_origin, beacon $beacon", ({ nonce, ...given }) => {
    expect(evidenceNonce(given)).toBe(nonce);
  });

  it("changes with each part", () => {
    const other = "ab".repeat(32);
    const changed: Partial<EvidenceNonceParts>[] = [
      {},
      { log_origin: "another.example/log" },
      { device_id: other },
      { beacon: null },
      { beacon: { ...parts.beacon!, number: parts.beacon!.number + 1 } },
      { beacon: { ...parts.beacon!, hash: `0x${other}` } },
      { challenge: other },
      { chain_head: other },
      { challenge: parts.chain_head, chain_head: parts.challenge },
    ];
    const results = changed.map((change) => evidenceNonce({ ...parts, ...change }));
    expect(new Set(results).size).toBe(changed.length);
  });

  it.each([
    ["a device id in upper case", { device_id: "AB".repeat(32) }],
    ["a short challenge", { challenge: "ab".repeat(31) }],
    ["a head with its prefix", { chain_head: `0x${"ab".repeat(32)}` }],
    ["a beacon without its prefix", { beacon: { number: 1, hash: "ab".repeat(32) } }],
    ["a beacon before the first", { beacon: { number: -1, hash: `0x${"ab".repeat(32)}` } }],
    ["a beacon past 2^53", { beacon: { number: 2 ** 53, hash: `0x${"ab".repeat(32)}` } }],
  ])("refuses %s", (_, change) => {
    expect(() => evidenceNonce({ ...parts, ...change })).toThrow(
      expect.objectContaining({ code: "NONCE_PART_INVALID" }),
    );
  });
});

describe("strongIdentityOf", () => {
  it.each(vector.strong_identity)("of a BROM key", ({ brom_spki, strong_identity }) => {
    expect(strongIdentityOf(Buffer.from(brom_spki, "hex"))).toBe(strong_identity);
  });
});
