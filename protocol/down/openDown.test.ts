import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/down.json" with { type: "json" };
import { publicKeyFromSpki } from "../crypto/spki.js";
import { encodeEnvelope } from "../dsse/encodeEnvelope.js";
import { payloadTypes } from "../dsse/payloadTypes.js";
import { signEnvelope } from "../dsse/signEnvelope.js";
import { CaliberError } from "../errors.js";
import { openDown } from "./openDown.js";

const key = publicKeyFromSpki(Buffer.from(vector.registry_spki, "hex"));
type Context = (typeof vector.accepted)[number]["context"];
const contextOf = ({ host, last_seq, now_ms }: Context) => ({ host, lastSeq: last_seq, now_ms });

describe("openDown", () => {
  it.each(vector.accepted)("takes a $name", ({ envelope, context, message }) => {
    expect(openDown(Buffer.from(envelope), key, contextOf(context))).toEqual(message);
  });

  it.each(vector.refused)("refuses as $code: $name", ({ envelope, context, code }) => {
    expect(() => openDown(Buffer.from(envelope), key, contextOf(context))).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("takes each message once, whatever a broker repeats or reorders", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const sent = Array.from({ length: 8 }, (_, seq) => {
      const message = { v: 1, aud: "h", seq, issued_ms: 0, expires_ms: 10, body: { type: "beacon" } };
      return encodeEnvelope(
        signEnvelope(payloadTypes.down, Buffer.from(JSON.stringify(message)), pair.privateKey).envelope,
        "",
      );
    });
    fc.assert(
      fc.property(fc.array(fc.nat(7), { maxLength: 30 }), (order) => {
        const taken: number[] = [];
        for (const seq of order) {
          const context = { host: "h", lastSeq: taken.at(-1) ?? -1, now_ms: 5 };
          try {
            taken.push(openDown(sent[seq]!, pair.publicKey, context).seq);
          } catch (error) {
            expect(error).toMatchObject({ code: "DOWN_REPLAYED" });
          }
        }
        expect(taken).toEqual([...new Set(taken)].sort((a, b) => a - b));
        expect(taken.at(-1) ?? -1).toBe(Math.max(-1, ...order));
      }),
      { numRuns: 50 },
    );
  });

  it("answers any payload that the registry might sign with a message or a coded error", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const message = fc.record(
      {
        v: fc.constantFrom(1, 2, null),
        aud: fc.constantFrom("h", "g", null),
        seq: fc.oneof(fc.nat(3), fc.double(), fc.string()),
        expires_ms: fc.oneof(fc.nat(9), fc.string()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), message), (value) => {
        const payload = Buffer.from(JSON.stringify(value));
        const sent = encodeEnvelope(signEnvelope(payloadTypes.down, payload, pair.privateKey).envelope, "");
        try {
          const opened = openDown(sent, pair.publicKey, { host: "h", lastSeq: 0, now_ms: 5 });
          expect(opened).toMatchObject({ v: 1, aud: "h" });
          expect(opened.seq).toBeGreaterThan(0);
          expect(opened.expires_ms).toBeGreaterThan(5);
        } catch (error) {
          expect(error).toBeInstanceOf(CaliberError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
