import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CaliberError } from "../../../protocol/errors.js";
import type { ApprovalFailure } from "../../../registry/approval/approvalFailure.js";
import { type CombinedApproval, combineApprovals } from "../../../registry/approval/combineApprovals.js";
import { loanJson } from "../../../registry/loans/loanJson.js";
import { apiClient } from "../../apiClient.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { durationOption, requiredOption } from "../../options.js";
import { readSecret } from "../../readSecret.js";

const usage = `caliber registry approve --terms FILE --api http://127.0.0.1:PORT --token-file FILE
                         [--valid 1h | --until 2027-01-15T08:00:00Z] [--json]
caliber registry approve --combine A.json --combine B.json … [--json]

Has a running registry look at a loan that waits in the timelock, and sign for the loan's gate if nothing is wrong with
it. FILE holds the terms as JSON, as the API gives a loan's terms (docs/loans.md). Prints the signature that \`originate\`
takes; or else everything that is wrong, one line each, with exit code ${exitCodes.failed}. The token's scope is approve.

Where several attestors must sign, each registry is asked with the same --until and --json, and --combine makes their
answers one signature.
`;

export const options = {
  terms: { type: "string" },
  api: { type: "string" },
  "token-file": { type: "string" },
  valid: { type: "string" },
  until: { type: "string" },
  combine: { type: "string", multiple: true },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

/** The API's answer: what is a bigint there is text here. */
type Answer = { loan: string; gate: string } & (
  | {
      approved: true;
      approval: { token_ids: string[]; fingerprints: string[]; deadline_s: number };
      attestor_signature: { attestor: string; signature: string };
      threshold: number;
      signature: string | null;
    }
  | { approved: false; failures: ApprovalFailure[] }
);

export async function run(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args: argv, options });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  if (values.combine !== undefined) {
    const combined = combineApprovals(values.combine.map((path) => readJson("combine", path)));
    io.out(values.json === true ? `${JSON.stringify(loanJson(combined))}\n` : combinedText(combined));
    return exitCodes.ok;
  }
  const terms = readJson("terms", requiredOption("terms", values.terms));
  const token = readSecret("token-file", requiredOption("token-file", values["token-file"]));
  const api = apiClient(requiredOption("api", values.api), token);
  const deadline_s = deadlineOf(values.valid, values.until);
  // The registry counts from the chain's newest block: its own default is left to it.
  const asked = deadline_s === null ? { terms } : { terms, deadline_s };
  const answer = (await api.post("/v1/approvals", asked)) as Answer;
  io.out(values.json === true ? `${JSON.stringify(answer)}\n` : textOf(answer));
  return answer.approved ? exitCodes.ok : exitCodes.failed;
}

function deadlineOf(valid: string | undefined, until: string | undefined): number | null {
  if (until === undefined) {
    if (valid === undefined) return null;
    const valid_ms = durationOption("valid", valid, 0, { min_ms: 60_000, max_ms: 86_400_000 });
    return Math.floor((Date.now() + valid_ms) / 1000);
  }
  const until_ms = /^[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?Z$/.test(until) ? Date.parse(until) : Number.NaN;
  if (valid !== undefined || Number.isNaN(until_ms)) {
    throw new CaliberError(
      "OPTION_INVALID",
      "--until is a time such as 2027-01-15T08:00:00Z, without --valid",
      {
        disposition: "user",
      },
    );
  }
  return Math.floor(until_ms / 1000);
}

function readJson(option: "terms" | "combine", path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const code = option === "terms" ? "TERMS_UNREADABLE" : "APPROVAL_UNREADABLE";
    throw new CaliberError(code, `--${option}: ${path} cannot be read as JSON`, {
      cause,
      disposition: "user",
    });
  }
}

function combinedText({ loan, gate, approval, attestors, threshold, signature }: CombinedApproval): string {
  const until = new Date(approval.deadline_s * 1000).toISOString();
  return `loan ${loan} is approved until ${until}, on tokens ${approval.token_ids.join(", ")}
  ${attestors.length} attestors have signed, of ${threshold} that must
  signature for gate ${gate}: ${signature}\n`;
}

function textOf(answer: Answer): string {
  const { loan, gate } = answer;
  if (!answer.approved) {
    const lines = answer.failures.map(
      ({ code, token_id, text }) => `  ${token_id === null ? "loan" : `token ${token_id}`}: ${code}: ${text}`,
    );
    return [`loan ${loan} is not approved`, ...lines, ""].join("\n");
  }
  const { approval, attestor_signature, threshold, signature } = answer;
  const until = new Date(approval.deadline_s * 1000).toISOString();
  const given =
    signature === null
      ? `  ${threshold} attestors must sign; ${attestor_signature.attestor} has: ${attestor_signature.signature}`
      : `  signature for gate ${gate}: ${signature}`;
  return `loan ${loan} is approved until ${until}, on tokens ${approval.token_ids.join(", ")}\n${given}\n`;
}
