#!/usr/bin/env node
import { CaliberError } from "../protocol/errors.js";
import { commandTable } from "./commandTable.js";
import { runConfigured } from "./config/runConfigured.js";
import { exitCodes } from "./exitCodes.js";
import { processIo } from "./io.js";

const usage = `caliber: signed GPU telemetry, a tamper-evident log, and tokens that know their collateral's health

  caliber up                          everything on this machine (what npm start runs)
  caliber agent enroll|run|scan|doctor|status|pause|rotate|retire|unenroll
  caliber registry init|run|token|devices|approve|dispute|replace|rebuild|revoke|expiries|key|writer-key
  caliber evidence verify
  caliber config print                what the configuration says, and where

Each command tells its options with --help, and prints JSON with --json. Those of agent, registry and up take what no
flag says from CALIBER_* variables and from the file that --config or CALIBER_CONFIG names (docs/configuration.md).
`;

async function main(argv: string[]): Promise<number> {
  const [first = "--help", second = ""] = argv;
  if (first === "--help" || first === "-h" || first === "help") {
    processIo.out(usage);
    return exitCodes.ok;
  }
  const name = Object.hasOwn(commandTable, first) ? first : `${first} ${second}`;
  const load = Object.hasOwn(commandTable, name) ? commandTable[name] : undefined;
  if (load === undefined) {
    processIo.err(`caliber: no such command: ${[first, second].join(" ").trim()}\n\n${usage}`);
    return exitCodes.usage;
  }
  const command = await load();
  return runConfigured(name, command, argv.slice(name === first ? 1 : 2), processIo, process.env);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = tell(error);
  },
);

/** Says what went wrong in words for whom it concerns, and gives the exit code. */
function tell(error: unknown): number {
  if (error instanceof CaliberError) {
    processIo.err(`caliber: ${error.message} (${error.code})\n`);
    if (error.details !== undefined) processIo.err(`  ${error.details}\n`);
    if (error.disposition === "user") return exitCodes.usage;
    return error.disposition === "retryable" ? exitCodes.retry : exitCodes.failed;
  }
  if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) {
    processIo.err(`caliber: ${error.message}\n`);
    return exitCodes.usage;
  }
  processIo.err(`caliber: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failed;
}
