import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { pae } from "../../protocol/dsse/pae.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import { busyTelemetry, inventoryOf, testChain } from "../support/testReports.js";
import { fuzzRuns } from "./fuzzRuns.js";
import { changeJson } from "./jsonChanges.js";
import { mutator } from "./mutator.js";

/** Malformed and re-encoded envelopes and payloads: none may crash a parser, or say what its device did not sign. */
const { seed, share, timeout_ms, attempt } = fuzzRuns;

const newDevice = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { id: deviceIdOf(spkiOf(privateKey)), key: privateKey, publicKey };
};
const [device, stranger] = [newDevice(), newDevice()];
const reportsOf = (of: ReturnType<typeof newDevice>): Buffer[] => {
  const chain = testChain(of, `h-${"0".repeat(32)}`);
  const uuid = "GPU-00000000-0000-4000-8000-000000000000";
  return [
    chain.next("inventory", inventoryOf(uuid), { start_ms: 0, end_ms: 0 }),
    chain.next("telemetry", busyTelemetry, { start_ms: 0, end_ms: 60_000 }),
    chain.next("telemetry", { ...busyTelemetry, samples: 59 }, { start_ms: 60_000, end_ms: 120_000 }),
  ].map(({ bytes }) => bytes);
};
const own = reportsOf(device);
const pool = [...own, ...reportsOf(stranger)];
const texts = pool.map(String);
const payloads = own.map((bytes) => parseEnvelope(bytes).payload);
const signed = new Set(payloads.map((payload) => payload.toString("base64")));

const shape = /^(ENVELOPE_MALFORMED|SIGNATURE_MALFORMED)$/;
const signature = /^SIGNATURE_(HIGH_S|INVALID)$/;
const content = /^(JSON_MALFORMED|SCHEMA_VERSION_UNKNOWN|SCHEMA_INVALID)$/;

describe(`malformed envelopes (seed ${seed})`, () => {
  it(
    "envelopes: refused, or what the device signed",
    () => {
      const random = mutator(seed);
      const counts = { shape: 0, signature: 0, genuine: 0 };
      for (let i = share(0.25); i > 0; i -= 1) {
        const from = random.pick(own.length);
        // Bits and lengths, or the text's own grammar, or both.
        const way = random.pick(4);
        const text = way > 0 ? Buffer.from(changeJson(texts[from]!, texts, random)) : own[from]!;
        const input = way === 0 || way === 1 ? random.mutate(text, pool) : text;
        const envelope = attempt(input, shape, parseEnvelope);
        if (envelope === null) {
          counts.shape += 1;
          continue;
        }
        const taken = attempt(input, signature, () => {
          verifyEs256(pae(envelope.payloadType, envelope.payload), envelope.signature, device.publicKey);
          return envelope;
        });
        if (taken === null) {
          counts.signature += 1;
          continue;
        }
        expect(taken.payloadType).toBe("application/vnd.caliber.report.v1+json");
        if (!signed.has(taken.payload.toString("base64"))) throw new Error(`seed ${seed}: ${input}`);
        counts.genuine += 1;
      }
      // Mutations that all fail at one place would try nothing.
      expect(Math.min(counts.shape, counts.signature, counts.genuine)).toBeGreaterThan(share(0.01));
    },
    timeout_ms,
  );

  it(
    "payloads: refused, or a report of safe integers that reads the same when written again",
    () => {
      const random = mutator(seed);
      const json = payloads.map(String);
      const counts = { refused: 0, read: 0 };
      for (let i = share(0.05); i > 0; i -= 1) {
        const from = random.pick(json.length);
        const input =
          random.pick(3) === 0
            ? random.mutate(payloads[from]!, payloads)
            : Buffer.from(changeJson(json[from]!, json, random));
        const report = attempt(input, content, parseReport);
        if (report === null) {
          counts.refused += 1;
          continue;
        }
        counts.read += 1;
        let numbers = 0;
        const again = JSON.stringify(report, (_, value: unknown) => {
          if (typeof value === "number") {
            numbers += 1;
            if (!Number.isSafeInteger(value) || Object.is(value, -0))
              throw new Error(`seed ${seed}: ${input}`);
          }
          return value;
        });
        expect(numbers).toBeGreaterThan(0);
        expect(JSON.stringify(parseReport(Buffer.from(again)))).toBe(again);
      }
      expect(Math.min(counts.refused, counts.read)).toBeGreaterThan(share(0.001));
    },
    timeout_ms,
  );
});
