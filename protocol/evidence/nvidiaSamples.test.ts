import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeReport } from "./decodeReport.js";
import { parseNvattest } from "./parseNvattest.js";
import { parsePemChain } from "./parsePemChain.js";
import { pemOf } from "./testing/syntheticDevice.js";
import { verifyChain } from "./verifyChain.js";
import { verifyEvidence } from "./verifyEvidence.js";
import { verifyReport } from "./verifyReport.js";

const dir = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/attestation`;
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(dir) && process.env.CI !== "true";

const now_ms = Date.UTC(2026, 5, 1);
const any = { nonce: null, kind: "any" } as const;
const file = (name: string) => readFileSync(`${dir}/${name}`);
const sample = (report: string, chain: string) => ({
  report: decodeReport(file(`${report}.txt`)),
  chain: file(`${chain}.txt`).toString(),
});
const fleet = (name: string) => parseNvattest(file(`ppcie-${name}_evidence.json`).toString());
const coded = (code: string) => expect.objectContaining({ code });

describe.skipIf(skip)("NVIDIA's own evidence", () => {
  it("of an H100 PCIe with driver 535 verifies", () => {
    const evidence = sample("hopperAttestationReport", "hopperCertChain");
    const nonce = "27a328247bf7935c993341cf587be6f05986ccce4fe7ba2c54100bd616a58f66";
    expect(verifyEvidence(evidence, { nonce, kind: "gpu", now_ms })).toMatchObject({
      kind: "gpu",
      architecture: "hopper",
      chip: "GH100",
      pdi: "0x6a5fafcbd9fa5ca3",
      device_name: "NVIDIA:GH100:48B02D7A7CD27FC3",
      claims: {
        driver_version: "535.86.09",
        vbios_version: "96.00.5E.00.01",
        project: "1010",
        project_sku: "0200",
        chip_sku: "882",
        fwid: null,
        feature: null,
      },
      not_checked: ["fwid", "rim", "ocsp", "inventory", "location"],
      trailing_zero_bytes: 0,
    });
  });

  it("of a B200 with driver 575 verifies", () => {
    const evidence = sample("blackwellAttestationReport", "blackwellCertChain");
    expect(verifyEvidence(evidence, { ...any, now_ms })).toMatchObject({
      kind: "gpu",
      architecture: "blackwell",
      chip: "GB100",
      pdi: "0xe6de55c3bdc14277",
      claims: {
        driver_version: "575.32",
        vbios_version: "97.00.88.00.0F",
        project: "G525",
        project_sku: "0220",
        chip_sku: "886",
      },
      checked: ["root", "chain", "device", "signature", "fwid"],
    });
  });

  it("of 8 GPUs and 4 switches of one machine verifies, and each names the others", () => {
    const nonce = "4760e30534a0621357d458b1a7936551b5dc4cd1e69718adf7ed9fb0252a537e";
    const verify = (name: string) =>
      fleet(name).map((evidence) => verifyEvidence(evidence, { nonce, kind: "any", now_ms }));
    const [gpus, switches] = [verify("gpu"), verify("switch")];
    expect(gpus.map(({ kind }) => kind)).toEqual(Array(8).fill("gpu"));
    expect(switches.map(({ kind }) => kind)).toEqual(Array(4).fill("switch"));
    const all = [...gpus, ...switches];
    expect(new Set(all.map(({ strong_identity }) => strong_identity)).size).toBe(12);
    const pdis = (list: typeof all) => list.map(({ pdi }) => pdi).sort();
    for (const { claims } of gpus) {
      expect(claims).toMatchObject({
        driver_version: "590.12",
        vbios_version: "96.00.A5.00.01",
        feature: "ppcie",
      });
      expect([...claims.switch_pdis].sort()).toEqual(pdis(switches));
    }
    for (const { claims, pdi } of switches) {
      expect(claims).toMatchObject({ own_pdi: pdi, vbios_version: "96.10.73.00.01", driver_version: null });
      expect([...claims.gpu_pdis].sort()).toEqual(pdis(gpus));
    }
  });

  it("of a switch is refused where a GPU is asked for", () => {
    expect(() => verifyEvidence(fleet("switch")[0]!, { nonce: null, kind: "gpu", now_ms })).toThrow(
      coded("EVIDENCE_KIND_MISMATCH"),
    );
  });

  it("fails with the report whose signature NVIDIA broke, and with the report of another GPU", () => {
    for (const report of ["hopperAttestationReportInvalidSignature", "blackwellAttestationReport"]) {
      expect(() => verifyEvidence(sample(report, "hopperCertChain"), { ...any, now_ms })).toThrow(
        coded("EVIDENCE_SIGNATURE_INVALID"),
      );
    }
  });

  it.each([
    ["leaf removed", [1, 2, 3, 4], "EVIDENCE_CHAIN_NO_LEAF"],
    ["BROM removed", [0, 2, 3, 4], "EVIDENCE_CHAIN_LINK_BROKEN"],
    ["provisioner removed", [0, 1, 3, 4], "EVIDENCE_CHAIN_LINK_BROKEN"],
    ["family removed", [0, 1, 2, 4], "EVIDENCE_CHAIN_LINK_BROKEN"],
    ["root removed", [0, 1, 2, 3], "EVIDENCE_CHAIN_ROOT_UNKNOWN"],
    ["root only", [4], "EVIDENCE_CHAIN_LENGTH"],
  ])("fails with its %s", (_, kept, code) => {
    const { chain } = sample("hopperAttestationReport", "hopperCertChain");
    const certificates = parsePemChain(chain);
    expect(() => verifyChain(pemOf(kept.map((i) => certificates[i]!)), now_ms)).toThrow(coded(code));
  });

  it("fails with a leaf under another device's BROM", () => {
    const [one, two] = fleet("gpu").map(({ chain }) => parsePemChain(chain));
    expect(() => verifyChain(pemOf([one![0]!, ...two!.slice(1)]), now_ms)).toThrow(
      coded("EVIDENCE_CHAIN_LINK_BROKEN"),
    );
  });

  it.each([
    ["Hopper", () => sample("hopperAttestationReport", "hopperCertChain")],
    ["Blackwell", () => sample("blackwellAttestationReport", "blackwellCertChain")],
    ["switch", () => fleet("switch")[0]!],
  ])(
    "fails with any single byte of the %s report changed, truncated anywhere, and extended",
    (_, load) => {
      const { report, chain } = load();
      const verified = verifyChain(chain, now_ms);
      for (let at = 0; at < report.length; at += 1) {
        const changed = Buffer.from(report);
        changed[at]! ^= 0x01;
        expect(() => verifyReport(changed, verified, any)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^EVIDENCE_(REPORT_\w+|SIGNATURE_INVALID)$/),
          }),
        );
        expect(() => verifyReport(report.subarray(0, at), verified, any)).toThrow(
          coded("EVIDENCE_REPORT_TRUNCATED"),
        );
      }
      expect(() => verifyReport(Buffer.concat([report, Buffer.of(1)]), verified, any)).toThrow(
        coded("EVIDENCE_REPORT_EXTENDED"),
      );
      expect(verifyReport(Buffer.concat([report, Buffer.of(0)]), verified, any).trailing_zero_bytes).toBe(1);
    },
    120_000,
  );
});
