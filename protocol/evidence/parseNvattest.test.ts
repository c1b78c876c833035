import { describe, expect, it } from "vitest";
import { decodeReport } from "./decodeReport.js";
import { parseNvattest } from "./parseNvattest.js";
import { syntheticDevice } from "./testing/syntheticDevice.js";

const device = syntheticDevice();
const report = device.report();
const item = {
  version: "1.0",
  arch: "HOPPER",
  nonce: "00".repeat(32),
  vbios_version: "96.00.A5.00.01",
  driver_version: "590.12",
  evidence: report.toString("base64"),
  certificate: Buffer.from(device.chain).toString("base64"),
};
const coded = (code: string) => expect.objectContaining({ code });

describe("parseNvattest", () => {
  it("takes what the collector writes, and a bare list of it", () => {
    const result = { evidences: [item, item], result_code: 0, result_message: "Ok" };
    const evidence = { report, chain: device.chain };
    expect(parseNvattest(JSON.stringify(result))).toEqual([evidence, evidence]);
    expect(parseNvattest(JSON.stringify([item]))).toEqual([evidence]);
  });

  it.each([
    ["no JSON", "{", "EVIDENCE_NVATTEST_MALFORMED"],
    ["null", "null", "EVIDENCE_NVATTEST_MALFORMED"],
    ["no evidence, as after a failed collection", { evidences: [] }, "EVIDENCE_NVATTEST_MALFORMED"],
    ["evidences that are no list", { evidences: item }, "EVIDENCE_NVATTEST_MALFORMED"],
    ["more than a machine has", Array(65).fill(item), "EVIDENCE_NVATTEST_MALFORMED"],
    ["an evidence that is null", [null], "EVIDENCE_NVATTEST_MALFORMED"],
    ["no certificate", [{ evidence: item.evidence }], "EVIDENCE_NVATTEST_MALFORMED"],
    ["a number for a report", [{ ...item, evidence: 1 }], "EVIDENCE_NVATTEST_MALFORMED"],
    ["an empty report", [{ ...item, evidence: "" }], "EVIDENCE_ENCODING_INVALID"],
    [
      "hex for a report",
      [{ ...item, evidence: report.toString("hex").slice(1) }],
      "EVIDENCE_ENCODING_INVALID",
    ],
    ["blanks in base64", [{ ...item, evidence: ` ${item.evidence}` }], "EVIDENCE_ENCODING_INVALID"],
  ] as [string, unknown, string][])("refuses %s", (_, value, code) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    expect(() => parseNvattest(text)).toThrow(coded(code));
  });
});

describe("decodeReport", () => {
  it("takes raw bytes and hex, also with line ends", () => {
    const hex = report.toString("hex");
    for (const file of [
      report,
      Buffer.from(hex),
      Buffer.from(`${hex.toUpperCase().replace(/.{64}/g, "$&\n")}\n`),
    ]) {
      expect(decodeReport(file)).toEqual(report);
    }
  });

  it.each([
    ["nothing", ""],
    ["blanks", " \n"],
    ["half a byte", "11e"],
  ])("refuses %s", (_, text) => {
    expect(() => decodeReport(Buffer.from(text))).toThrow(coded("EVIDENCE_ENCODING_INVALID"));
  });
});
