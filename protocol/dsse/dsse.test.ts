import { createPublicKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/dsse.json" with { type: "json" };
import { publicKeyFromSpki } from "../crypto/spki.js";
import { verifyEs256 } from "../crypto/verifyEs256.js";
import { CaliberError } from "../errors.js";
import { encodeEnvelope } from "./encodeEnvelope.js";
import { openEnvelope } from "./openEnvelope.js";
import { pae } from "./pae.js";
import { parseEnvelope } from "./parseEnvelope.js";
import { payloadOfPae } from "./payloadOfPae.js";
import { signEnvelope } from "./signEnvelope.js";
import { statementHash } from "./statementHash.js";

const text = fc.string({ unit: "grapheme", maxLength: 80 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** What `run` throws must be ours; what it returns is passed on. */
function ours<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    expect(error).toBeInstanceOf(CaliberError);
    return undefined;
  }
}

describe("the DSSE specification's P-256 vector", () => {
  it("has our PAE, statement and signature", () => {
    const { payloadType, payload, signature } = parseEnvelope(Buffer.from(vector.envelope));
    expect(payloadType).toBe(vector.payload_type);
    expect(payload.toString()).toBe(vector.payload);
    const message = pae(payloadType, payload);
    expect(message.toString()).toBe(vector.pae);
    expect(statementHash(message).toString("hex")).toBe(vector.statement);
    verifyEs256(message, signature, publicKeyFromSpki(Buffer.from(vector.key.spki, "hex")));
  });

  it("has the key that the specification gives as numbers", () => {
    const key = createPublicKey({ key: Buffer.from(vector.key.spki, "hex"), format: "der", type: "spki" });
    const { x, y } = key.export({ format: "jwk" });
    const number = (part: string | undefined) =>
      BigInt(`0x${Buffer.from(part!, "base64url").toString("hex")}`).toString();
    expect([number(x), number(y)]).toEqual([vector.key.x, vector.key.y]);
  });

  it.each(vector.pae_cases)(
    "PAE of $payload_type and $payload",
    ({ payload_type, payload, pae: expected }) => {
      expect(pae(payload_type, Buffer.from(payload, "hex")).toString("hex")).toBe(expected);
    },
  );
});

describe("pae", () => {
  it("gives type and payload back", () => {
    fc.assert(
      fc.property(text, bytes, (payloadType, payload) => {
        expect(payloadOfPae(pae(payloadType, payload))).toEqual({ payloadType, payload });
      }),
    );
  });

  it("is injective, also where spaces and digits move between type and payload", () => {
    const part = fc.stringMatching(/^[ 0-9a]{0,6}$/);
    fc.assert(
      fc.property(part, part, part, part, (typeA, bodyA, typeB, bodyB) => {
        const same = pae(typeA, Buffer.from(bodyA)).equals(pae(typeB, Buffer.from(bodyB)));
        expect(same).toBe(typeA === typeB && bodyA === bodyB);
      }),
      { numRuns: 2000 },
    );
  });

  it("is refused cut short, extended or with a leading zero", () => {
    const good = pae("type", Buffer.from("body"));
    for (let end = 0; end < good.length; end += 1) {
      expect(() => payloadOfPae(good.subarray(0, end))).toThrow(CaliberError);
    }
    const bad = [
      "DSSEv1 4 type 4 body ",
      "DSSEv1 04 type 4 body",
      "DSSEv2 4 type 4 body",
      "DSSEv1 -4 type 4 body",
    ];
    for (const text of bad) expect(() => payloadOfPae(Buffer.from(text))).toThrow(/pre-authentication/);
  });

  it("is refused when its type is not UTF-8: it would read like another", () => {
    const bytes = Buffer.from("DSSEv1 1 \xff 1 a", "latin1");
    expect(() => payloadOfPae(bytes)).toThrow(expect.objectContaining({ code: "PAE_MALFORMED" }));
  });

  it("of any bytes is read or refused as PAE_MALFORMED", () => {
    const near = fc
      .tuple(fc.nat(40), fc.nat(40), bytes)
      .map(([a, b, rest]) => Buffer.concat([Buffer.from(`DSSEv1 ${a} `), rest, Buffer.from(` ${b} `), rest]));
    fc.assert(
      fc.property(fc.oneof(bytes, near), (any) => {
        const found = ours(() => payloadOfPae(any));
        if (found) expect(any.subarray(any.length - found.payload.length)).toEqual(found.payload);
      }),
    );
  });
});

describe("parseEnvelope", () => {
  it("gives back what encodeEnvelope wrote", () => {
    fc.assert(
      fc.property(
        text,
        bytes,
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        (payloadType, payload, sig) => {
          const signature = Buffer.from(sig);
          const encoded = encodeEnvelope({ payloadType, payload, signature }, "hint");
          expect(parseEnvelope(encoded)).toEqual({ payloadType, payload, signature });
        },
      ),
    );
  });

  it("throws nothing but CaliberError, whatever comes", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json({ maxDepth: 3 }).map((json) => Buffer.from(json)),
      fc
        .record(
          { payloadType: fc.anything(), payload: fc.anything(), signatures: fc.anything() },
          { requiredKeys: [] },
        )
        .map((value) => Buffer.from(safeJson(value))),
      fc
        .array(fc.oneof(fc.constant(null), fc.record({ sig: fc.oneof(fc.string(), fc.integer()) })))
        .map((signatures) => Buffer.from(JSON.stringify({ payloadType: "t", payload: "", signatures }))),
    );
    fc.assert(
      fc.property(anything, (any) => {
        ours(() => parseEnvelope(any));
        ours(() => openEnvelope(any, "t", publicKey));
      }),
      { numRuns: 1000 },
    );
  });

  it("reads the same statement from any encoding of the JSON", () => {
    const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
    fc.assert(
      fc.property(
        bytes,
        fc.boolean(),
        fc.boolean(),
        space,
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        (payload, url, padded, gap, order) => {
          const { envelope, statement } = signEnvelope("type", payload, privateKey);
          const encode = (part: Buffer) => {
            const plain = url ? part.toString("base64url") : part.toString("base64");
            return padded ? plain : plain.replaceAll("=", "");
          };
          const members = [
            `"payloadType":${gap}"type"`,
            `"payload"${gap}:"${encode(envelope.payload)}"`,
            `"signatures":[${gap}{"sig":"${encode(envelope.signature)}"}]`,
          ];
          const json = `${gap}{${order.map((i) => members[i]).join(`,${gap}`)}}${gap}`;
          const read = parseEnvelope(Buffer.from(json));
          expect(statementHash(pae(read.payloadType, read.payload))).toEqual(statement);
          verifyEs256(pae(read.payloadType, read.payload), read.signature, publicKey);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("does not take members from a prototype", () => {
    const json = `{"__proto__":{"payloadType":"t","payload":"","signatures":[{"sig":"${"A".repeat(86)}"}]}}`;
    expect(() => parseEnvelope(Buffer.from(json))).toThrow(
      expect.objectContaining({ code: "ENVELOPE_MALFORMED" }),
    );
  });
});

describe("openEnvelope", () => {
  it("refuses a signature under another type, by another key, over other bytes", () => {
    const { envelope } = signEnvelope("a", Buffer.from("{}"), privateKey);
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    const sent = encodeEnvelope(envelope, "");
    expect(openEnvelope(sent, "a", publicKey)).toEqual({});
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(() => openEnvelope(sent, "b", publicKey)).toThrow(code("PAYLOAD_TYPE_UNKNOWN"));
    expect(() => openEnvelope(sent, "a", other)).toThrow(code("SIGNATURE_INVALID"));
    const relabelled = encodeEnvelope({ ...envelope, payloadType: "b" }, "");
    expect(() => openEnvelope(relabelled, "b", publicKey)).toThrow(code("SIGNATURE_INVALID"));
    const changed = encodeEnvelope({ ...envelope, payload: Buffer.from("[]") }, "");
    expect(() => openEnvelope(changed, "a", publicKey)).toThrow(code("SIGNATURE_INVALID"));
  });

  it("says so when the signed payload is not JSON", () => {
    const { envelope } = signEnvelope("a", Buffer.from("caliber"), privateKey);
    expect(() => openEnvelope(encodeEnvelope(envelope, ""), "a", publicKey)).toThrow(
      expect.objectContaining({ code: "JSON_MALFORMED" }),
    );
  });
});

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    // A bigint or a cycle: no JSON at all, which is a case too.
    return "";
  }
}
