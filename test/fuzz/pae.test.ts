import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { pae } from "../../protocol/dsse/pae.js";
import { payloadOfPae } from "../../protocol/dsse/payloadOfPae.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { decodeEntry, encodeJsonEntry, encodeReportEntry } from "../../protocol/log/entry.js";
import { fuzzRuns } from "./fuzzRuns.js";
import { type Mutator, mutator } from "./mutator.js";

/**
 * Malformed pre-authentication encodings and log entries: refused, or read so that writing what was read gives the same
 * bytes. An encoding with two readings, or a reading with two encodings, would let one signature say two things.
 */
const { seed, share, timeout_ms, attempt } = fuzzRuns;

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const device = deviceIdOf(spkiOf(privateKey));
const payloads = ['{"v":1,"kind":"gap","seq":7}', "", "1 1 1 1", `{"text":"${"é ".repeat(40)}"}`].map(
  (text) => Buffer.from(text),
);
const encodings = [payloadTypes.report, "", "t 1 t", "télé"].flatMap((type) =>
  payloads.map((payload) => pae(type, payload)),
);
const reports = payloads.map((payload) => {
  const { envelope } = signEnvelope(payloadTypes.report, payload, privateKey);
  return encodeReportEntry(device, envelope).entry;
});
const entries = [
  ...reports,
  encodeJsonEntry("tick", { received_at_ms: 1_760_000_000_000, first: 12, count: 3 }),
  encodeJsonEntry("key", { type: "revoke-host", at_ms: 1, host: "h-1", reason: "x" }),
];

/** The mutator's changes, or one to the numbers that an encoding's lengths are. */
function change(input: Buffer, others: readonly Buffer[], random: Mutator): Buffer {
  const { pick, mutate } = random;
  if (pick(2) === 0) return mutate(input, others);
  const text = input.toString("latin1");
  const numbers = [...text.matchAll(/[0-9]+/g)].slice(0, 6);
  const number = numbers[numbers.length === 0 ? 0 : pick(numbers.length)];
  if (number === undefined) return mutate(input, others);
  const value = Number(number[0]);
  const by = [
    () => `${value + 1}`,
    () => `${value - 1}`,
    () => `0${value}`,
    () => `+${value}`,
    () => `${value}.0`,
    () => `${value} `,
    () => ` ${value}`,
    () => `${value}e0`,
    () => `${2 ** 32 + value}`,
    () => "18446744073709551616",
    () => "",
    () => `${pick(text.length + 2)}`,
  ];
  const changed =
    text.slice(0, number.index) + by[pick(by.length)]!() + text.slice(number.index + number[0].length);
  return Buffer.from(changed, "latin1");
}

describe(`malformed PAEs and log entries (seed ${seed})`, () => {
  it(
    "PAEs: refused, or encoded back to the same bytes",
    () => {
      const random = mutator(seed);
      const counts = { refused: 0, read: 0 };
      for (let i = share(0.35); i > 0; i -= 1) {
        const input = change(encodings[random.pick(encodings.length)]!, encodings, random);
        const read = attempt(input, /^PAE_MALFORMED$/, payloadOfPae);
        if (read === null) counts.refused += 1;
        else {
          counts.read += 1;
          if (!pae(read.payloadType, read.payload).equals(input))
            throw new Error(`seed ${seed}: ${input.toString("hex")}`);
        }
      }
      expect(Math.min(counts.refused, counts.read)).toBeGreaterThan(share(0.01));
    },
    timeout_ms,
  );

  it(
    "entries: refused, or encoded back to the same bytes; none passes for a report that was signed",
    () => {
      const random = mutator(seed);
      const counts = { refused: 0, json: 0, report: 0, verified: 0 };
      const codes = /^(ENTRY_MALFORMED|PAE_MALFORMED)$/;
      for (let i = share(0.15); i > 0; i -= 1) {
        const input = change(entries[random.pick(entries.length)]!, entries, random);
        const entry = attempt(input, codes, (bytes) => {
          const decoded = decodeEntry(bytes);
          return decoded.kind === "report" ? { ...decoded, ...payloadOfPae(decoded.pae) } : decoded;
        });
        if (entry === null) counts.refused += 1;
        else if (entry.kind !== "report") counts.json += 1;
        else {
          counts.report += 1;
          const { payloadType, payload, signature } = entry as typeof entry & ReturnType<typeof payloadOfPae>;
          const back = encodeReportEntry(entry.device, { payloadType, payload, signature });
          if (!back.entry.equals(input)) throw new Error(`seed ${seed}: ${input.toString("hex")}`);
          // The device stands outside what is signed: it is whose key the signature is checked with.
          const isGenuine = reports.some((good) => good.subarray(34).equals(input.subarray(34)));
          if (isGenuine) continue;
          counts.verified += 1;
          const taken = attempt(input, /^SIGNATURE_(HIGH_S|INVALID)$/, () => {
            verifyEs256(entry.pae, entry.signature, publicKey);
            return true;
          });
          expect(taken).toBeNull();
        }
      }
      expect(Math.min(...Object.values(counts))).toBeGreaterThan(share(0.001));
    },
    timeout_ms,
  );
});
