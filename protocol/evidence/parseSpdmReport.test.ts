import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseSpdmReport } from "./parseSpdmReport.js";
import { hopperFields, syntheticDevice, syntheticNonce } from "./testing/syntheticDevice.js";

const device = syntheticDevice();
const digest = hash("sha384", "any", "buffer");
const one = [{ index: 1, digest }];
const coded = (code: string) => expect.objectContaining({ code });

describe("parseSpdmReport", () => {
  it("takes a report apart by its own lengths", () => {
    const report = device.report();
    const parsed = parseSpdmReport(report);
    expect(parsed.nonce).toEqual(syntheticNonce);
    expect(parsed.measurements).toHaveLength(64);
    expect(parsed.measurements[2]).toEqual({ index: 3, digest: hash("sha384", "2", "buffer") });
    expect([...parsed.opaque]).toEqual(hopperFields);
    expect(Buffer.concat([parsed.signed, parsed.signature])).toEqual(report);
    expect(parsed.trailing_zero_bytes).toBe(0);
  });

  it("finds the signature also where there are 31 measurements, gaps among them, and no opaque data", () => {
    const measurements = Array.from({ length: 31 }, (_, i) => ({ index: 2 * i + 1, digest }));
    const parsed = parseSpdmReport(device.report({ measurements, opaque: [] }));
    expect(parsed.signature).toHaveLength(96);
    expect(parsed.measurements.at(-1)!.index).toBe(61);
  });

  it("tells the zero padding of a fixed-size buffer, up to NVML's 8192 bytes", () => {
    const report = device.report();
    const padded = (size: number) => Buffer.concat([report, Buffer.alloc(size - report.length)]);
    expect(parseSpdmReport(padded(report.length + 1)).trailing_zero_bytes).toBe(1);
    expect(parseSpdmReport(padded(8192)).trailing_zero_bytes).toBe(8192 - report.length);
    expect(() => parseSpdmReport(padded(8193))).toThrow(coded("EVIDENCE_REPORT_TOO_LARGE"));
  });

  it("refuses any byte but zero behind the signature", () => {
    const report = device.report();
    for (const tail of ["01", "0001", "00ff00", report.toString("hex")]) {
      const extended = Buffer.concat([report, Buffer.from(tail, "hex")]);
      const code = extended.length > 8192 ? "EVIDENCE_REPORT_TOO_LARGE" : "EVIDENCE_REPORT_EXTENDED";
      expect(() => parseSpdmReport(extended)).toThrow(coded(code));
    }
  });

  it("refuses every truncation", () => {
    const report = device.report();
    for (let length = 0; length < report.length; length += 1) {
      expect(() => parseSpdmReport(report.subarray(0, length))).toThrow(coded("EVIDENCE_REPORT_TRUNCATED"));
    }
  });

  it.each([
    ["SPDM 1.2", { request: [0x12, 0xe0, 0x01, 0xff] }],
    ["a request for no signature", { request: [0x11, 0xe0, 0x00, 0xff] }],
    ["a request for one measurement", { request: [0x11, 0xe0, 0x01, 0x01] }],
    ["a request of another kind", { request: [0x11, 0xe1, 0x01, 0xff] }],
    ["a slot that no device has", { slot: 8 }],
    ["a response of another version", { response: [0x12, 0x60, 0, 0] }],
    ["an ERROR response", { response: [0x11, 0x7f, 0, 0] }],
    ["no measurement", { measurements: [], blocks: 0 }],
    ["more measurements than the record holds", { blocks: 65 }],
    ["fewer measurements than the record holds", { blocks: 63 }],
    ["a record that ends within a measurement", { record_length: 64 * 55 - 1 }],
    ["measurement 0", { measurements: [{ index: 0, digest }] }],
    ["a measurement twice", { measurements: [...one, ...one] }],
    ["measurements that descend", { measurements: [{ index: 2, digest }, ...one] }],
    ["a measurement of another specification", { measurements: [{ index: 1, digest, specification: 2 }] }],
    ["a measurement in raw bits", { measurements: [{ index: 1, digest, type: 0x81 }] }],
    ["a shorter digest", { measurements: [{ index: 1, digest: digest.subarray(0, 32) }] }],
    ["a size that is not the digest's", { measurements: [{ index: 1, digest, size: 47 }] }],
    ["a block that is longer than its digest", { measurements: [{ index: 1, digest, block_size: 52 }] }],
    ["an opaque field twice", { opaque: [...hopperFields, hopperFields[0]!] }],
    ["more opaque data than SPDM allows", { opaque: [[1, Buffer.alloc(1021)]] }],
    [
      "an opaque field that ends behind the data",
      { opaque: hopperFields, opaque_length: 3 + hopperFields[0]![1].length },
    ],
  ] as [string, Parameters<typeof device.report>[0]][])("refuses %s", (_, parts) => {
    expect(() => parseSpdmReport(device.report(parts))).toThrow(coded("EVIDENCE_REPORT_MALFORMED"));
  });
});
