#!/usr/bin/env node
import { CaliberError } from "../protocol/errors.js";
import { exitCodes } from "./exitCodes.js";
import { type Io, processIo } from "./io.js";

type Command = { run(argv: string[], io: Io): Promise<number> };

/** Loaded when called, so that the agent never carries what the registry needs. */
const commands: Record<string, () => Promise<Command>> = {
  up: () => import("./up/up.js"),
  "agent enroll": () => import("./commands/agent/enroll.js"),
  "agent run": () => import("./commands/agent/run.js"),
  "agent scan": () => import("./commands/agent/scan.js"),
  "agent doctor": () => import("./commands/agent/doctor.js"),
  "agent status": () => import("./commands/agent/status.js"),
  "agent pause": () => import("./commands/agent/pause.js"),
  "agent unenroll": () => import("./commands/agent/unenroll.js"),
  "evidence verify": () => import("./commands/evidence/verify.js"),
  "registry init": () => import("./commands/registry/init.js"),
  "registry run": () => import("./commands/registry/run.js"),
  "registry token": () => import("./commands/registry/token.js"),
  "registry devices": () => import("./commands/registry/devices.js"),
  "registry rebuild": () => import("./commands/registry/rebuild.js"),
  "registry expiries": () => import("./commands/registry/expiries.js"),
  "registry revoke": () => import("./commands/registry/revoke.js"),
};

const usage = `caliber: signed GPU telemetry, a tamper-evident log, and tokens that know their collateral's health

  caliber up                          everything on this machine (what npm start runs)
  caliber agent enroll|run|scan|doctor|status|pause|unenroll
  caliber registry init|run|token|devices|rebuild|revoke|expiries
  caliber evidence verify

Each command tells its options with --help, and prints JSON with --json.
`;

async function main(argv: string[]): Promise<number> {
  const [first = "--help", second = ""] = argv;
  if (first === "--help" || first === "-h" || first === "help") {
    processIo.out(usage);
    return exitCodes.ok;
  }
  const one = commands[first];
  const two = commands[`${first} ${second}`];
  const load = one ?? two;
  if (load === undefined) {
    processIo.err(`caliber: no such command: ${[first, second].join(" ").trim()}\n\n${usage}`);
    return exitCodes.usage;
  }
  const command = await load();
  return command.run(argv.slice(one === undefined ? 2 : 1), processIo);
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
