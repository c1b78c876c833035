import { describe, expect, it } from "vitest";
import { decodeReport } from "../../protocol/evidence/decodeReport.js";
import { parseNvattest } from "../../protocol/evidence/parseNvattest.js";
import { parsePemChain } from "../../protocol/evidence/parsePemChain.js";
import { parseSpdmReport, type SpdmReport } from "../../protocol/evidence/parseSpdmReport.js";
import { readCertificate } from "../../protocol/evidence/readCertificate.js";
import { pemOf, syntheticDevice, syntheticNow_ms } from "../../protocol/evidence/testing/syntheticDevice.js";
import { verifyChain } from "../../protocol/evidence/verifyChain.js";
import { verifyReport } from "../../protocol/evidence/verifyReport.js";
import { fuzzRuns } from "./fuzzRuns.js";
import { mutator } from "./mutator.js";

/** Malformed reports, certificates, chains and collector files: none may crash a parser or be accepted. */
const { seed, share, timeout_ms } = fuzzRuns;

const hopper = syntheticDevice();
const blackwell = syntheticDevice({ chip: "GB100" });
const any = { nonce: null, kind: "any" } as const;
const chain = verifyChain(hopper.chain, syntheticNow_ms, hopper.root_sha256);
const reports = [hopper.report(), blackwell.report(), hopper.report({ opaque: [] })];

const attempt = <T>(input: Buffer, parse: (input: Buffer) => T): T | null =>
  fuzzRuns.attempt(input, /^EVIDENCE_/, parse);

describe(`malformed evidence (seed ${seed})`, () => {
  it(
    "reports: refused, or left with what another key would have to sign",
    () => {
      const { mutate, pick } = mutator(seed);
      const genuine = reports.map(parseSpdmReport);
      const isGenuine = ({ signed, signature }: SpdmReport): boolean =>
        genuine.some((good) => good.signed.equals(signed) && good.signature.equals(signature));
      const counts = { refused: 0, parsed: 0, verified: 0 };
      for (let i = share(0.8); i > 0; i -= 1) {
        const input = mutate(reports[pick(reports.length)]!, reports);
        const parsed = attempt(input, parseSpdmReport);
        if (parsed === null) counts.refused += 1;
        // Only padding and its like leave a report what it was.
        else if (!isGenuine(parsed)) {
          counts.parsed += 1;
          // A signature takes a millisecond to check, a parse some microseconds: one in 64 is checked.
          if (counts.parsed % 64 === 1) {
            expect(attempt(input, (bytes) => verifyReport(bytes, chain, any))).toBeNull();
            counts.verified += 1;
          }
        }
      }
      // Mutations that are all refused at the first byte would try nothing.
      expect(Math.min(counts.refused, counts.parsed, counts.verified)).toBeGreaterThan(0);
    },
    timeout_ms,
  );

  it(
    "certificates: refused, or read",
    () => {
      const { mutate, pick } = mutator(seed);
      const certificates = [...hopper.certificates, ...blackwell.certificates];
      const counts = { refused: 0, read: 0 };
      for (let i = share(0.12); i > 0; i -= 1) {
        const input = mutate(certificates[pick(certificates.length)]!, certificates);
        counts[attempt(input, readCertificate) === null ? "refused" : "read"] += 1;
      }
      expect(Math.min(counts.refused, counts.read)).toBeGreaterThan(0);
    },
    timeout_ms,
  );

  it(
    "chains with one certificate changed: never accepted",
    () => {
      const { mutate, pick } = mutator(seed);
      for (let i = share(0.01); i > 0; i -= 1) {
        const at = pick(5);
        const certificates = [...hopper.certificates];
        certificates[at] = mutate(certificates[at]!, blackwell.certificates);
        if (certificates[at].equals(hopper.certificates[at]!)) continue;
        const input = Buffer.from(pemOf(certificates));
        const verify = (bytes: Buffer) =>
          verifyChain(bytes.toString("latin1"), syntheticNow_ms, hopper.root_sha256);
        expect(attempt(input, verify)).toBeNull();
      }
    },
    timeout_ms,
  );

  it(
    "PEM texts, hex and collector files: refused, or read as bytes that encode back",
    () => {
      const { mutate, pick } = mutator(seed);
      const files = [
        Buffer.from(hopper.chain),
        Buffer.from(reports[0]!.toString("hex")),
        Buffer.from(
          JSON.stringify([
            {
              evidence: reports[2]!.toString("base64"),
              certificate: Buffer.from(hopper.chain).toString("base64"),
            },
          ]),
        ),
      ];
      for (let i = share(0.07); i > 0; i -= 1) {
        const input = mutate(files[pick(files.length)]!, files);
        const ders = attempt(input, (bytes) => parsePemChain(bytes.toString("latin1")));
        const text = input.toString("latin1").replace(/\s/g, "");
        for (const der of ders ?? []) expect(text.includes(der.toString("base64"))).toBe(true);
        attempt(input, decodeReport);
        attempt(input, (bytes) => parseNvattest(bytes.toString("utf8")));
      }
    },
    timeout_ms,
  );
});
