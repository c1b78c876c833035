import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/report-envelopes.json" with { type: "json" };
import rotation from "../../fixtures/vectors/rotation.json" with { type: "json" };
import { deviceIdOf } from "../crypto/deviceIdOf.js";
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { pae } from "../dsse/pae.js";
import { parseEnvelope } from "../dsse/parseEnvelope.js";
import { payloadTypes } from "../dsse/payloadTypes.js";
import { statementHash } from "../dsse/statementHash.js";
import { CaliberError } from "../errors.js";
import { encodeReportEntry } from "../log/entry.js";
import { leafHash } from "../merkle/leafHash.js";
import { mintAuthorizationMessage } from "../mint/mintAuthorizationMessage.js";
import { refusalCodes } from "../refusal.js";
import { parseReport } from "./parseReport.js";
import { reportSchemas } from "./schema.js";

const spki = Buffer.from(vector.device_spki, "hex");
const key = publicKeyFromSpki(spki);

/** The checks of one report in the order of the design, as far as they need no record. */
function openReport(text: string) {
  const envelope = parseEnvelope(Buffer.from(text));
  if (envelope.payloadType !== payloadTypes.report) throw new CaliberError("PAYLOAD_TYPE_UNKNOWN", "other");
  const message = pae(envelope.payloadType, envelope.payload);
  verifyEs256(message, envelope.signature, key);
  const report = parseReport(envelope.payload);
  if (report.device !== vector.device) throw new CaliberError("DEVICE_MISMATCH", "another device");
  return { report, envelope, statement: statementHash(message).toString("hex") };
}

describe("report vectors", () => {
  it("are of the device that the key names", () => {
    expect(deviceIdOf(spki)).toBe(vector.device);
  });

  it.each(vector.accepted)("takes $name, with its statement, log entry and leaf", (one) => {
    const { report, envelope, statement } = openReport(one.envelope);
    expect(envelope.payload.toString()).toBe(one.payload);
    expect(report).toEqual(JSON.parse(one.payload));
    expect(statement).toBe(one.statement);
    expect(envelope.signature.toString("hex")).toBe(one.signature);
    const { entry } = encodeReportEntry(report.device, envelope);
    expect(entry.toString("hex")).toBe(one.log_entry);
    expect(leafHash(entry).toString("hex")).toBe(one.leaf_hash);
  });

  it("hold a report of every kind, each naming the one before", () => {
    const reports = vector.accepted.map((one) => openReport(one.envelope));
    // Those that end a key, or follow on that, are in rotation.json; who stands in is in replacement.json.
    const elsewhere = ["rotate", "retire", "rotate-title", "replace-title"];
    const kinds = new Set(Object.keys(reportSchemas));
    expect(new Set([...reports.map(({ report }) => report.kind), ...elsewhere])).toEqual(kinds);
    reports.forEach(({ report }, seq) => {
      expect(report.seq).toBe(seq);
      expect(report.prev).toBe(reports[seq - 1]?.statement ?? "0".repeat(64));
    });
  });

  it("hold a consent whose signature is of the device over the authorization", () => {
    const consent = vector.accepted
      .map((one) => openReport(one.envelope).report)
      .find(({ kind }) => kind === "consent");
    if (consent?.kind !== "consent") throw new Error("no consent among the vectors");
    const { authorization, signature } = consent.body;
    verifyEs256(mintAuthorizationMessage(authorization), Buffer.from(signature, "hex"), key);
    expect(authorization.device_key_hash).toBe(`0x${vector.device}`);
  });

  it.each(vector.reencoded.envelopes)("keep their statement re-encoded: %s", (text) => {
    expect(openReport(text).statement).toBe(vector.reencoded.statement);
  });

  it.each(vector.refused)("refuse as $code: $name", ({ envelope, code }) => {
    expect(refusalCodes).toContain(code);
    expect(() => openReport(envelope)).toThrow(expect.objectContaining({ code }));
  });
});

type Json = Record<string, unknown>;
const telemetry = JSON.parse(vector.accepted[1]!.payload) as Json & { body: Json };
const parse = (value: unknown) =>
  parseReport(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
const invalid = expect.objectContaining({ code: "SCHEMA_INVALID" });

/** Every place of a JSON document, as a path. */
function* pathsOf(value: unknown, path: string[] = []): Generator<string[]> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [name, member] of Object.entries(value)) {
    yield [...path, name];
    yield* pathsOf(member, [...path, name]);
  }
}

function withChange(document: Json, path: string[], change: (parent: Json, name: string) => void): Json {
  const copy = structuredClone(document);
  let parent = copy;
  for (const name of path.slice(0, -1)) parent = parent[name] as Json;
  change(parent, path.at(-1)!);
  return copy;
}

describe("parseReport", () => {
  it("needs every member of every kind", () => {
    for (const { payload } of [...vector.accepted, ...rotation.reports]) {
      const document = JSON.parse(payload) as Json;
      for (const path of pathsOf(document)) {
        const without = withChange(document, path, (parent, name) => delete parent[name]);
        expect(() => parse(without), path.join("/")).toThrow(CaliberError);
      }
    }
  });

  it("refuses an unknown member at every level of every kind", () => {
    for (const { payload } of [...vector.accepted, ...rotation.reports]) {
      const document = JSON.parse(payload) as Json;
      expect(() => parse({ ...document, unknown: 1 })).toThrow(invalid);
      for (const path of pathsOf(document)) {
        const wider = withChange(document, path, (parent, name) => {
          const member = parent[name];
          if (typeof member === "object" && member !== null && !Array.isArray(member))
            parent[name] = { ...member, unknown: 1 };
          else parent.unknown = 1;
        });
        expect(() => parse(wider), path.join("/")).toThrow(invalid);
      }
    }
  });

  it("refuses a float, however written, wherever an integer stands", () => {
    for (const { payload } of [...vector.accepted, ...rotation.reports]) {
      const document = JSON.parse(payload) as Json;
      for (const path of pathsOf(document)) {
        const marked = withChange(document, path, (parent, name) => {
          if (typeof parent[name] === "number") parent[name] = "@";
        });
        const text = JSON.stringify(marked);
        if (!text.includes('"@"')) continue;
        for (const float of ["1.5", "1.0", "1e0", "1E+0", "-0", "0.0"]) {
          expect(() => parse(text.replace('"@"', float)), `${path.join("/")} ${float}`).toThrow(CaliberError);
        }
      }
    }
  });

  it.each(["9007199254740991.4", "0.99999999999999999999", "9007199254740992", "1e400", "-1"])(
    "refuses %s, which JSON.parse may round to a good integer",
    (number) => {
      const text = JSON.stringify(telemetry).replace('"samples":60', `"samples":${number}`);
      expect(() => parse(text)).toThrow(invalid);
    },
  );

  it("takes 2^53 - 1, and white space around numbers", () => {
    const text = JSON.stringify(telemetry, null, 2).replace(
      '"samples": 60',
      '"samples" :\n\t9007199254740991 ',
    );
    expect(parse(text)).toMatchObject({ body: { samples: Number.MAX_SAFE_INTEGER } });
  });

  it("leaves numbers inside strings alone", () => {
    for (const agent of [":1.5", "[1.5", ", 1e3", ":-0", 'quote" :1.5', "back\\", '\\":1.5', 'a\\\\":2.0']) {
      expect(parse({ ...telemetry, agent })).toMatchObject({ agent });
    }
  });

  it("refuses every other version before it looks at the rest", () => {
    for (const v of [0, 2, "1", null, true, [1], 1.5]) {
      expect(() => parse({ v, kind: "unknown" })).toThrow(
        expect.objectContaining({ code: "SCHEMA_VERSION_UNKNOWN" }),
      );
    }
    for (const text of ["null", "1", '"text"', "[]", "true"]) {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: "SCHEMA_VERSION_UNKNOWN" }));
    }
  });

  it("does not find a kind on a prototype", () => {
    for (const kind of ["constructor", "toString", "__proto__", "hasOwnProperty", "", 1, null]) {
      expect(() => parse({ ...telemetry, kind })).toThrow(invalid);
    }
  });

  it("takes the last of two members of one name, and no __proto__", () => {
    const text = JSON.stringify(telemetry);
    expect(parse(text.replace('"samples":60', '"samples":1,"samples":60'))).toEqual(telemetry);
    expect(() => parse(text.replace('{"v":1', '{"__proto__":{"v":1},"v":1'))).toThrow(invalid);
    expect(() => parse(text.replace('"v":1', '"__proto__":{"v":1}'))).toThrow(
      expect.objectContaining({ code: "SCHEMA_VERSION_UNKNOWN" }),
    );
    expect(({} as Json).v).toBeUndefined();
  });

  it("refuses bytes that are not UTF-8, and a byte order mark", () => {
    const text = JSON.stringify(telemetry);
    const malformed = expect.objectContaining({ code: "JSON_MALFORMED" });
    expect(() => parse(`\ufeff${text}`)).toThrow(malformed);
    const broken = Buffer.from(text);
    broken[text.indexOf("caliberd-vectors")] = 0xff;
    expect(() => parseReport(broken)).toThrow(malformed);
  });

  it("reads a view into a larger buffer, not the buffer", () => {
    const text = Buffer.from(JSON.stringify(telemetry));
    const wide = Buffer.concat([Buffer.from("####"), text, Buffer.from("####")]);
    expect(parseReport(new Uint8Array(wide.buffer, wide.byteOffset + 4, text.length))).toEqual(telemetry);
  });

  it("throws nothing but CaliberError for any bytes or JSON", () => {
    const places = [...pathsOf(telemetry)];
    const mutated = fc
      .tuple(fc.constantFrom(...places), fc.jsonValue())
      .map(([path, value]) =>
        JSON.stringify(
          withChange(telemetry, path, (parent, name) => Object.assign(parent, { [name]: value })),
        ),
      );
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.oneof(fc.json(), mutated).map((json) => Buffer.from(json)),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        try {
          expect(parseReport(bytes)).toEqual(JSON.parse(Buffer.from(bytes).toString()));
        } catch (error) {
          expect(error).toBeInstanceOf(CaliberError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
