import { parseArgs } from "node:util";
import { CaliberError } from "../../../protocol/errors.js";
import { decodeReport } from "../../../protocol/evidence/decodeReport.js";
import { parseNvattest } from "../../../protocol/evidence/parseNvattest.js";
import type { Evidence } from "../../../protocol/evidence/verifyEvidence.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";
import { evidenceText } from "./evidenceText.js";
import { readBounded } from "./readBounded.js";
import { type EvidenceVerdict, verifyAll } from "./verifyAll.js";
import { verifyTokens } from "./verifyTokens.js";

const usage = `caliber evidence verify --report FILE --chain FILE [--nonce HEX] [--json]
    a GPU's or switch's attestation report (raw or hex) and its certificate chain (PEM)
caliber evidence verify --nvattest FILE [--nonce HEX] [--json]
    all that nvattest collect-evidence wrote of one machine
caliber evidence verify --eat FILE --jwks FILE --nonce HEX [--json]
    the tokens of NVIDIA's attestation service (a detached EAT bundle, JSON), by its key set as you got it from there

Verifies offline, against NVIDIA's device root. Without --nonce nothing shows when the report was made.
Exit code 0: all verified; ${exitCodes.failed}: one was refused; ${exitCodes.usage}: the command line or a file is wrong.
`;

export const options = {
  report: { type: "string" },
  chain: { type: "string" },
  nvattest: { type: "string" },
  eat: { type: "string" },
  jwks: { type: "string" },
  nonce: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options,
  });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const nonce = nonceOption(values.nonce);
  if (values.eat !== undefined) {
    requiredOption("nonce", values.nonce);
    const files = { eat: values.eat, jwks: requiredOption("jwks", values.jwks) };
    return verifyTokens(files, { nonce: nonce ?? "", now_ms: Date.now(), json: values.json === true }, io);
  }
  const evidences = evidencesOf(values);
  const verdicts = verifyAll(evidences, { nonce, kind: "any", now_ms: Date.now() });
  if (values.json === true) io.out(`${JSON.stringify({ evidences: verdicts })}\n`);
  else verdicts.forEach((verdict, i) => void tell(verdict, i, verdicts.length, io));
  return verdicts.every(({ verified }) => verified) ? exitCodes.ok : exitCodes.failed;
}

function evidencesOf(values: { report?: string; chain?: string; nvattest?: string }): Evidence[] {
  const { report, chain, nvattest } = values;
  if (nvattest !== undefined) {
    if (report !== undefined || chain !== undefined) {
      throw new CaliberError("OPTION_INVALID", "--nvattest holds reports and chains: give it alone", {
        disposition: "user",
      });
    }
    return parseNvattest(readBounded(nvattest).toString("utf8"));
  }
  const reportFile = requiredOption("report", report);
  const chainFile = requiredOption("chain", chain);
  return [
    { report: decodeReport(readBounded(reportFile)), chain: readBounded(chainFile).toString("latin1") },
  ];
}

function nonceOption(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new CaliberError("OPTION_INVALID", "--nonce is 32 bytes in hex", { disposition: "user" });
  }
  return text.toLowerCase();
}

function tell(verdict: EvidenceVerdict, i: number, count: number, io: Io): void {
  if (!verdict.verified) {
    const which = count === 1 ? "the evidence" : `evidence ${i}`;
    io.err(`caliber: ${which} is refused: ${verdict.error.message} (${verdict.error.code})\n`);
    return;
  }
  if (count > 1) io.out(`${i === 0 ? "" : "\n"}evidence ${i}\n`);
  io.out(evidenceText(verdict.evidence));
}
