import { generateKeyPairSync, hash, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { nrasIssuer, verifyEatToken } from "../../protocol/evidence/eat/verifyEatToken.js";
import { type EvidenceNonceParts, evidenceNonce } from "../../protocol/evidence/evidenceNonce.js";
import { joinWithInventory } from "../../protocol/evidence/joinWithInventory.js";
import { pemOf, syntheticDevice, syntheticNow_ms } from "../../protocol/evidence/testing/syntheticDevice.js";
import { verifyEvidence } from "../../protocol/evidence/verifyEvidence.js";
import { inventoryOf } from "../support/testReports.js";

/** What a registry would ask of this device at this moment. */
const parts: EvidenceNonceParts = {
  log_origin: "log.example/1",
  device_id: "d1".repeat(32),
  beacon: { number: 7, hash: `0x${"b7".repeat(32)}` },
  challenge: "c1".repeat(32),
  chain_head: "e1".repeat(32),
};
const nonce = Buffer.from(evidenceNonce(parts), "hex");
const gpu = syntheticDevice();
const other = syntheticDevice();
const nvswitch = syntheticDevice({ chip: "LS_10", engine: "FSP", prefix: "50", pdi: "666E93E19DEC7D2D" });
const { certificates, chain, root_sha256 } = gpu;
const answer = gpu.report({ nonce });
const expected = { nonce: nonce.toString("hex"), kind: "gpu", now_ms: syntheticNow_ms, root_sha256 } as const;
const without = (...left: number[]) => pemOf(certificates.filter((_, i) => !left.includes(i)));
const coded = (code: string) => expect.objectContaining({ code });

describe("GPU evidence that is refused", () => {
  type Attack = { name: string; code: string; report?: Buffer; chain?: string; root_sha256?: string };
  it.each<Attack>([
    { name: "a chain without its leaf", code: "EVIDENCE_CHAIN_NO_LEAF", chain: without(0) },
    {
      name: "a chain without a certificate in the middle",
      code: "EVIDENCE_CHAIN_LINK_BROKEN",
      chain: without(2),
    },
    { name: "the root alone", code: "EVIDENCE_CHAIN_LENGTH", chain: without(0, 1, 2, 3) },
    {
      name: "the leaf left out and another certificate put twice",
      code: "EVIDENCE_CHAIN_LINK_BROKEN",
      chain: pemOf([1, 1, 2, 3, 4].map((i) => certificates[i]!)),
    },
    {
      name: "a chain of five with a stranger's certificate in the middle",
      code: "EVIDENCE_CHAIN_LINK_BROKEN",
      chain: pemOf(certificates.map((one, i) => (i === 2 ? other.certificates[2]! : one))),
    },
    { name: "a root of the borrower's own", code: "EVIDENCE_CHAIN_ROOT_UNKNOWN", chain: other.chain },
    {
      name: "a self-made GPU, held against NVIDIA's root",
      code: "EVIDENCE_CHAIN_ROOT_UNKNOWN",
      root_sha256: undefined as unknown as string,
    },
    {
      name: "the answer to an earlier challenge",
      code: "EVIDENCE_NONCE_MISMATCH",
      report: gpu.report({
        nonce: Buffer.from(evidenceNonce({ ...parts, challenge: "c2".repeat(32) }), "hex"),
      }),
    },
    {
      name: "an attestation made for another device key (another loan's GPU)",
      code: "EVIDENCE_NONCE_MISMATCH",
      report: gpu.report({
        nonce: Buffer.from(evidenceNonce({ ...parts, device_id: "d2".repeat(32) }), "hex"),
      }),
    },
    {
      name: "an attestation made for another registry",
      code: "EVIDENCE_NONCE_MISMATCH",
      report: gpu.report({
        nonce: Buffer.from(evidenceNonce({ ...parts, log_origin: "log.example/2" }), "hex"),
      }),
    },
    {
      name: "an attestation made before the latest report",
      code: "EVIDENCE_NONCE_MISMATCH",
      report: gpu.report({
        nonce: Buffer.from(evidenceNonce({ ...parts, chain_head: "e0".repeat(32) }), "hex"),
      }),
    },
    {
      name: "an attestation without a beacon",
      code: "EVIDENCE_NONCE_MISMATCH",
      report: gpu.report({ nonce: Buffer.from(evidenceNonce({ ...parts, beacon: null }), "hex") }),
    },
    {
      name: "the right nonce written into an old report",
      code: "EVIDENCE_SIGNATURE_INVALID",
      report: Buffer.concat([
        answer.subarray(0, 4),
        nonce,
        gpu.report({ nonce: Buffer.alloc(32) }).subarray(36),
      ]),
    },
    {
      name: "the report of another GPU under this one's chain",
      code: "EVIDENCE_SIGNATURE_INVALID",
      report: other.report({ nonce }),
    },
    {
      name: "a truncated attestation report",
      code: "EVIDENCE_REPORT_TRUNCATED",
      report: answer.subarray(0, -1),
    },
    {
      name: "an extended attestation report",
      code: "EVIDENCE_REPORT_EXTENDED",
      report: Buffer.concat([answer, Buffer.of(1)]),
    },
    {
      name: "a switch in place of a GPU",
      code: "EVIDENCE_KIND_MISMATCH",
      report: nvswitch.report({ nonce }),
      chain: nvswitch.chain,
      root_sha256: nvswitch.root_sha256,
    },
    {
      name: "firmware that the GPU's key is not certified for",
      code: "EVIDENCE_FWID_MISMATCH",
      report: gpu.report({ nonce, opaque: [[20, Buffer.alloc(48, 1)]] }),
    },
  ])("$name", (attack) => {
    const evidence = { report: attack.report ?? answer, chain: attack.chain ?? chain };
    const trust = "root_sha256" in attack ? attack.root_sha256 : root_sha256;
    const { root_sha256: _, ...rest } = expected;
    const held = trust === undefined ? rest : { ...rest, root_sha256: trust };
    expect(() => verifyEvidence(evidence, held)).toThrow(coded(attack.code));
    // The same flow takes the honest answer.
    expect(verifyEvidence({ report: answer, chain }, expected).checked).toContain("nonce");
  });

  it("a model declared other than the GPU signs is told, field by field", () => {
    const evidence = verifyEvidence({ report: answer, chain }, expected);
    const declared = {
      ...inventoryOf("GPU-a"),
      architecture: "Blackwell",
      driver_version: "1",
      vbios_version: "1",
    };
    const joined = joinWithInventory(evidence, { ...declared, pdi: `0x${"1".repeat(16)}` });
    expect(joined.filter(({ outcome }) => outcome === "mismatch").map(({ field }) => field)).toEqual([
      "architecture",
      "driver_version",
      "vbios_version",
      "pdi",
    ]);
  });

  it("evidence relayed from a GPU in another machine verifies: the time to answer bounds it, nothing here excludes it", () => {
    expect(verifyEvidence({ report: answer, chain }, expected).not_checked).toContain("location");
  });
});

describe("tokens of an attestation service that are refused", () => {
  const service = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const borrower = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const now_s = 1_780_000_000;
  const kid = "kid";
  const trust = {
    issuer: nrasIssuer,
    jwks: { keys: [{ ...service.publicKey.export({ format: "jwk" }), kid }] },
    now_ms: now_s * 1000,
  };
  const eat_nonce = hash("sha256", "asked", "hex");
  const claims = { iss: nrasIssuer, iat: now_s, nbf: now_s, exp: now_s + 60, eat_nonce };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = (body: object, key: KeyObject = service.privateKey): string => {
    const text = `${part({ alg: "ES384", kid })}.${part({ ...claims, ...body })}`;
    return `${text}.${sign("sha384", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  it.each([
    { name: "a JWT with alg none", code: "EAT_ALG_NONE", text: `${part({ alg: "none" })}.${part(claims)}.` },
    {
      name: "the local verifier's token",
      code: "EAT_ISSUER_LOCAL",
      text: token({ iss: "NVAT-LOCAL-VERIFIER" }),
    },
    {
      name: "a JWT signed by the borrower",
      code: "EAT_SIGNATURE_INVALID",
      text: token({}, borrower.privateKey),
    },
    {
      name: "a JWT for an earlier nonce",
      code: "EAT_NONCE_MISMATCH",
      text: token({ eat_nonce: "00".repeat(32) }),
    },
    { name: "a JWT that has expired", code: "EAT_EXPIRED", text: token({ exp: now_s - 1 }) },
  ])("$name", ({ code, text }) => {
    expect(() => verifyEatToken(text, trust, eat_nonce)).toThrow(coded(code));
    expect(verifyEatToken(token({}), trust, eat_nonce)).toEqual(claims);
  });
});
