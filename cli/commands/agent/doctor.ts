import { parseArgs } from "node:util";
import type { CheckResult, CheckStatus } from "../../../agent/doctor/check.js";
import { doctorChecks } from "../../../agent/doctor/doctorChecks.js";
import { runChecks } from "../../../agent/doctor/runChecks.js";
import { identityFile } from "../../../agent/enrol/identityFile.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { sourceFlags, sourceSettings, sourceUsage } from "./sourceOptions.js";

const usage = `caliber agent doctor [--data-dir DIR] [options]

${sourceUsage}  --json                 print it as JSON (docs/operator.md)

Looks at everything that the agent needs, and says what is missing and how to mend it. It changes nothing. With a data
directory it looks at enrolment, certificate, registry and the running agent as well. Run it as the agent's user.
Exit code 0: all is well; ${exitCodes.attention}: it works, or may work, and something needs attention; ${exitCodes.failed}: something is broken.
`;

/** A check that asks the GPUs waits for a driver to load. */
const timeout_ms = 30_000;

const exitOf: Record<CheckStatus, number> = {
  ok: exitCodes.ok,
  unknown: exitCodes.attention,
  warn: exitCodes.attention,
  fail: exitCodes.failed,
};

export const options = {
  ...sourceFlags,
  "data-dir": { type: "string" },
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
  const data_dir = values["data-dir"] ?? null;
  const file = data_dir === null ? null : identityFile(data_dir);
  const identity = file?.exists() === true ? file.load() : null;
  const settings = sourceSettings(values, { simulated: identity?.simulated ?? false });
  const { status, results } = await runChecks(doctorChecks({ settings, data_dir, identity }), { timeout_ms });
  io.out(
    values.json === true
      ? `${JSON.stringify({ v: 1, status, checks: results }, null, 2)}\n`
      : textOf(results, status),
  );
  return exitOf[status];
}

function textOf(results: readonly CheckResult[], status: CheckStatus): string {
  const wide = Math.max(...results.map(({ id }) => id.length));
  const lines = results.flatMap(({ id, status: found, says, fix }) => [
    `${found.padEnd(7)}  ${id.padEnd(wide)}  ${says}`,
    ...(fix === null ? [] : [`${" ".repeat(9 + wide)}  -> ${fix}`]),
  ]);
  const end: Record<CheckStatus, string> = {
    ok: "All is well.",
    unknown: "Nothing is known to be wrong; not all could be seen.",
    warn: "It works; something needs attention.",
    fail: "Something is broken.",
  };
  return `${lines.join("\n")}\n\n${end[status]}\n`;
}
