import { parseArgs } from "node:util";
import { revokeHost } from "../../../registry/revokeHost.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber registry revoke --data-dir DIR --host h-… --reason TEXT [--json]

Revokes a host: it can neither connect nor renew from now on. A running registry cuts it off at once.
`;

export const options = {
  "data-dir": { type: "string" },
  host: { type: "string" },
  reason: { type: "string" },
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
  const host = requiredOption("host", values.host);
  await revokeHost({
    data_dir: requiredOption("data-dir", values["data-dir"]),
    host,
    reason: requiredOption("reason", values.reason),
    now_ms: Date.now,
  });
  io.out(values.json === true ? `${JSON.stringify({ host, revoked: true })}\n` : `${host} is revoked\n`);
  return exitCodes.ok;
}
