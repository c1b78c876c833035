import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createCsr } from "../../protocol/x509/createCsr.js";
import { parseCsr } from "../../protocol/x509/parseCsr.js";
import { decodePem, encodePem } from "../../protocol/x509/pem.js";
import { changeDer } from "./derChanges.js";
import { fuzzRuns } from "./fuzzRuns.js";
import { mutator } from "./mutator.js";

/** Malformed certificate requests: none may crash the parser, or prove possession of a key by other bytes than were signed. */
const { seed, share, timeout_ms, attempt } = fuzzRuns;
const refusal = /^CSR_(MALFORMED|SIGNATURE_INVALID)$/;
const label = "CERTIFICATE REQUEST";
const bodyAt = `-----BEGIN ${label}-----\n`.length;

const requests = ["host", "a", "n".repeat(64)].map((commonName) => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return createCsr(privateKey, { commonName });
});
const ders = requests.map((pem) => decodePem(label, pem));
const texts = requests.map((pem) => Buffer.from(pem));
const spkis = requests.map((pem) => parseCsr(pem).spki.toString("hex"));

describe(`malformed certificate requests (seed ${seed})`, () => {
  it(
    "refused, or the very request under another coat of PEM",
    () => {
      const random = mutator(seed);
      const counts = { refused: 0, genuine: 0 };
      const codes = { CSR_MALFORMED: 0, CSR_SIGNATURE_INVALID: 0 } as Record<string, number>;
      for (let i = share(0.2); i > 0; i -= 1) {
        const from = random.pick(ders.length);
        const way = random.pick(8);
        const der = way < 4 ? changeDer(ders[from]!, random) : random.mutate(ders[from]!, ders);
        const input =
          way === 7
            ? coat(texts[from]!, random)
            : way === 6
              ? random.mutate(texts[from]!, texts)
              : Buffer.from(encodePem(label, der));
        const read = attempt(input, refusal, (bytes) => {
          try {
            return parseCsr(bytes.toString("latin1"));
          } catch (error) {
            const { code } = error as { code: string };
            codes[code] = (codes[code] ?? 0) + 1;
            throw error;
          }
        });
        if (read === null) {
          counts.refused += 1;
          continue;
        }
        counts.genuine += 1;
        const same = ders.findIndex((good) => good.equals(decodePem(label, input.toString("latin1"))));
        if (same === -1 || spkis[same] !== read.spki.toString("hex"))
          throw new Error(`seed ${seed}: ${input}`);
      }
      expect(Math.min(counts.refused, counts.genuine, ...Object.values(codes))).toBeGreaterThan(share(0.001));
    },
    timeout_ms,
  );
});

/** The same bytes as other writers of PEM would have them, and some that none may have. */
function coat(pem: Buffer, { pick }: ReturnType<typeof mutator>): Buffer {
  const text = pem.toString("latin1");
  const at = bodyAt + pick(text.length - 2 * bodyAt);
  const insert = (what: string): string => text.slice(0, at) + what + text.slice(at);
  const changes = [
    () => text.replaceAll("\n", "\r\n"),
    () => insert("\n"),
    () => `\n\n${text}\n \t`,
    () => insert(["=", "-", "_", " ", "\0", "\u00e9", "-----END CERTIFICATE REQUEST-----\n"][pick(7)]!),
    () => text + text,
    () => text.replaceAll("+", "-").replaceAll("/", "_"),
    () => text.replaceAll("REQUEST", "REQUEST "),
    () => `Bag: a\n${text}`,
  ];
  return Buffer.from(changes[pick(changes.length)]!(), "latin1");
}
