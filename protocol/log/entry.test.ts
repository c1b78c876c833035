import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/log-entries.json" with { type: "json" };
import { pae } from "../dsse/pae.js";
import { payloadOfPae } from "../dsse/payloadOfPae.js";
import { payloadTypes } from "../dsse/payloadTypes.js";
import { CaliberError } from "../errors.js";
import { leafHash } from "../merkle/leafHash.js";
import { decodeEntry, type EntryKind, encodeJsonEntry, encodeReportEntry, entryKinds } from "./entry.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");

describe("log entries", () => {
  it("encode a report as the vector has it", () => {
    const { device, signature, payload, entry, leaf_hash } = vector.report;
    const envelope = {
      payloadType: payloadTypes.report,
      payload: Buffer.from(payload),
      signature: bytes(signature),
    };
    const made = encodeReportEntry(device, envelope);
    expect(made.entry.toString("hex")).toBe(entry);
    expect(made.pae).toEqual(pae(envelope.payloadType, envelope.payload));
    expect(leafHash(bytes(entry)).toString("hex")).toBe(leaf_hash);
  });

  it("give a report back, whole", () => {
    const decoded = decodeEntry(bytes(vector.report.entry));
    if (decoded.kind !== "report") throw new Error("not a report");
    expect(decoded.device).toBe(vector.report.device);
    expect(decoded.signature.toString("hex")).toBe(vector.report.signature);
    const { payloadType, payload } = payloadOfPae(decoded.pae);
    expect(payloadType).toBe(payloadTypes.report);
    expect(payload.toString()).toBe(vector.report.payload);
  });

  it.each(vector.json)("of kind $kind", ({ kind, body, entry, leaf_hash }) => {
    const encoded = encodeJsonEntry(kind as Exclude<EntryKind, "report">, body);
    expect(encoded.toString("hex")).toBe(entry);
    expect(leafHash(encoded).toString("hex")).toBe(leaf_hash);
    expect(decodeEntry(encoded)).toEqual({ kind, body });
  });

  it("have a vector for every kind", () => {
    expect(new Set(["report", ...vector.json.map(({ kind }) => kind)])).toEqual(
      new Set(Object.keys(entryKinds)),
    );
  });

  it.each(vector.refused)("refuse: $name", ({ entry, code }) => {
    expect(() => decodeEntry(bytes(entry))).toThrow(expect.objectContaining({ code }));
  });

  it("throw nothing but ENTRY_MALFORMED for any bytes", () => {
    const headed = fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom(0, 1, 2),
      fc.uint8Array({ maxLength: 150 }),
    );
    fc.assert(
      fc.property(headed, ([kind, version, rest]) => {
        try {
          decodeEntry(Buffer.from([kind, version, ...rest]));
        } catch (error) {
          expect(error).toBeInstanceOf(CaliberError);
          expect(error).toMatchObject({ code: "ENTRY_MALFORMED" });
        }
      }),
      { numRuns: 500 },
    );
  });
});
