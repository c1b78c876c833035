import { generateKeyPairSync, hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  hopperFields,
  type SyntheticOptions,
  syntheticDevice,
  syntheticFwid,
  syntheticNonce,
  syntheticNow_ms,
} from "./testing/syntheticDevice.js";
import { verifyChain } from "./verifyChain.js";
import { verifyEvidence } from "./verifyEvidence.js";
import { verifyReport } from "./verifyReport.js";

const device = syntheticDevice();
const chainOf = ({ chain, root_sha256 } = device) => verifyChain(chain, syntheticNow_ms, root_sha256);
const chain = chainOf();
const nonce = syntheticNonce.toString("hex");
const expected = { nonce, kind: "gpu" } as const;
const coded = (code: string) => expect.objectContaining({ code });
const withFields = (...fields: [number, Buffer][]): [number, Buffer][] => {
  const changed = new Map([...hopperFields, ...fields]);
  return [...changed];
};
const switchOptions: SyntheticOptions = {
  chip: "LS_10",
  engine: "FSP",
  prefix: "50",
  pdi: "666E93E19DEC7D2D",
};

describe("verifyReport", () => {
  it("gives what the silicon signed, and says what was checked and what was not", () => {
    const report = device.report();
    const evidence = verifyReport(report, chain, expected);
    expect(evidence).toMatchObject({
      kind: "gpu",
      chip: "GH100",
      nonce,
      statement: hash("sha256", report.subarray(0, -96), "hex"),
      claims: {
        driver_version: "590.12",
        vbios_version: "96.00.A5.00.01",
        project: "G520",
        project_sku: "0200",
        chip_sku: "885",
        board_id: 0x437,
        fwid: syntheticFwid.toString("hex"),
        feature: "spt",
        switch_pdis: ["0x0807060504030201"],
        gpu_pdis: [],
        own_pdi: null,
        other_fields: [12],
      },
      trailing_zero_bytes: 0,
      checked: ["root", "chain", "device", "signature", "nonce", "fwid"],
      not_checked: ["rim", "ocsp", "inventory", "location"],
    });
    expect(evidence.measurements).toHaveLength(64);
    expect(evidence).not.toHaveProperty("leaf_key");
  });

  it("is what verifyEvidence says of report and chain together", () => {
    const report = device.report();
    const { root_sha256 } = device;
    const together = verifyEvidence(
      { report, chain: device.chain },
      { ...expected, now_ms: syntheticNow_ms, root_sha256 },
    );
    expect(together).toEqual(verifyReport(report, chain, expected));
    expect(() =>
      verifyEvidence({ report, chain: device.chain }, { ...expected, now_ms: syntheticNow_ms }),
    ).toThrow(coded("EVIDENCE_CHAIN_ROOT_UNKNOWN"));
  });

  it("says so when no nonce was expected", () => {
    const evidence = verifyReport(device.report(), chain, { ...expected, nonce: null });
    expect(evidence.checked).not.toContain("nonce");
    expect(evidence.not_checked).toContain("nonce");
  });

  it("refuses the answer to another nonce", () => {
    const other = hash("sha256", "another challenge", "hex");
    expect(() => verifyReport(device.report(), chain, { ...expected, nonce: other })).toThrow(
      coded("EVIDENCE_NONCE_MISMATCH"),
    );
  });

  it("refuses a nonce put in afterwards", () => {
    const report = device.report({ nonce: Buffer.alloc(32, 1) });
    syntheticNonce.copy(report, 4);
    expect(() => verifyReport(report, chain, expected)).toThrow(coded("EVIDENCE_SIGNATURE_INVALID"));
  });

  it("refuses a report of another device, also of one under the same root", () => {
    expect(() => verifyReport(syntheticDevice().report(), chain, expected)).toThrow(
      coded("EVIDENCE_SIGNATURE_INVALID"),
    );
    const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    expect(() => verifyReport(device.report({ key }), chain, expected)).toThrow(
      coded("EVIDENCE_SIGNATURE_INVALID"),
    );
  });

  it.each([
    ["r and s zero", Buffer.alloc(96)],
    ["r and s 2^384 - 1", Buffer.alloc(96, 0xff)],
  ])("refuses a signature: %s", (_, signature) => {
    const report = device.report();
    signature.copy(report, report.length - 96);
    expect(() => verifyReport(report, chain, expected)).toThrow(coded("EVIDENCE_SIGNATURE_INVALID"));
  });

  it("takes zero padding, and tells it", () => {
    const evidence = verifyReport(Buffer.concat([device.report(), Buffer.alloc(9)]), chain, expected);
    expect(evidence.trailing_zero_bytes).toBe(9);
  });

  it("refuses a switch where a GPU is asked for", () => {
    const other = syntheticDevice(switchOptions);
    const report = other.report({ opaque: [[6, Buffer.from("96.10.73.00.01")]] });
    expect(() => verifyReport(report, chainOf(other), expected)).toThrow(coded("EVIDENCE_KIND_MISMATCH"));
    expect(verifyReport(report, chainOf(other), { nonce, kind: "any" }).claims).toMatchObject({
      vbios_version: "96.10.73.00.01",
      driver_version: null,
      own_pdi: null,
    });
  });

  it("holds a switch to the PDI in its certificate", () => {
    const other = syntheticDevice(switchOptions);
    const reportOf = (pdi: string) => other.report({ opaque: [[22, Buffer.from(pdi, "hex")]] });
    const any = { nonce, kind: "any" } as const;
    expect(verifyReport(reportOf("666e93e19dec7d2d"), chainOf(other), any).claims.own_pdi).toBe(
      "0x666e93e19dec7d2d",
    );
    expect(() => verifyReport(reportOf("666e93e19dec7d2e"), chainOf(other), any)).toThrow(
      coded("EVIDENCE_PDI_MISMATCH"),
    );
  });

  it("reads the GPUs behind a switch's ports", () => {
    const other = syntheticDevice(switchOptions);
    const reportOf = (bytes: Buffer) => other.report({ opaque: [[26, bytes]] });
    const gpus = Buffer.from("2921ce551e4eeda39bdffe09391c64d4", "hex");
    const any = { nonce, kind: "any" } as const;
    const { claims } = verifyReport(
      reportOf(Buffer.concat([gpus, Buffer.alloc(48), Buffer.alloc(64, 0xff)])),
      chainOf(other),
      any,
    );
    expect(claims.gpu_pdis).toEqual(["0x2921ce551e4eeda3", "0x9bdffe09391c64d4"]);
    expect(() => verifyReport(reportOf(gpus), chainOf(other), any)).toThrow(
      coded("EVIDENCE_REPORT_MALFORMED"),
    );
  });

  it("holds the firmware to the one that the key is certified for", () => {
    const opaque = withFields([20, Buffer.alloc(48, 7)]);
    expect(() => verifyReport(device.report({ opaque }), chain, expected)).toThrow(
      coded("EVIDENCE_FWID_MISMATCH"),
    );
  });

  it("says so when report or certificate names no firmware", () => {
    const silent = device.report({ opaque: hopperFields.filter(([id]) => id !== 20) });
    expect(verifyReport(silent, chain, expected).not_checked).toContain("fwid");
    const other = syntheticDevice({ fwid: null });
    const evidence = verifyReport(other.report(), chainOf(other), expected);
    expect(evidence.not_checked).toContain("fwid");
    expect(evidence.checked).not.toContain("fwid");
  });

  it("leaves null what the report does not say", () => {
    const { claims } = verifyReport(device.report({ opaque: [] }), chain, expected);
    expect(claims).toEqual({
      driver_version: null,
      vbios_version: null,
      project: null,
      project_sku: null,
      chip_sku: null,
      board_id: null,
      fwid: null,
      feature: null,
      switch_pdis: [],
      gpu_pdis: [],
      own_pdi: null,
      other_fields: [],
    });
  });

  it.each([
    [1, "mpt"],
    [2, "ppcie"],
    [7, "code_7"],
  ])("reads feature flag %i as %s", (code, feature) => {
    const opaque = withFields([36, Buffer.of(code, 0)]);
    expect(verifyReport(device.report({ opaque }), chain, expected).claims.feature).toBe(feature);
  });

  it.each([
    ["a driver version with a line end", [3, Buffer.from("590\n12\0")]],
    ["a driver version with an escape", [3, Buffer.from("\x1b[2J\0")]],
    ["a driver version behind its end", [3, Buffer.from("590.12\x00590.13\0")]],
    ["a driver version too long", [3, Buffer.alloc(33, 0x31)]],
    ["a VBIOS of 7 bytes", [6, Buffer.alloc(7)]],
    ["a board id of 2 bytes", [14, Buffer.alloc(2)]],
    ["a firmware digest of 32 bytes", [20, Buffer.alloc(32)]],
    ["half a PDI", [22, Buffer.alloc(12)]],
    ["a feature flag of 4 bytes", [36, Buffer.alloc(4)]],
  ] as [string, [number, Buffer]][])("refuses %s", (_, field) => {
    expect(() => verifyReport(device.report({ opaque: withFields(field) }), chain, expected)).toThrow(
      coded("EVIDENCE_REPORT_MALFORMED"),
    );
  });

  it("refuses a report with any single byte changed", () => {
    // Fewer measurements than a GPU has: every byte is one signature to check.
    const measurements = Array.from({ length: 8 }, (_, i) => ({ index: i + 1, digest: syntheticFwid }));
    const report = device.report({ measurements });
    for (let at = 0; at < report.length; at += 1) {
      const changed = Buffer.from(report);
      changed[at]! ^= 0x01;
      expect(() => verifyReport(changed, chain, { ...expected, nonce: null })).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^EVIDENCE_(REPORT_\w+|SIGNATURE_INVALID)$/) }),
      );
    }
  }, 60_000);
});
