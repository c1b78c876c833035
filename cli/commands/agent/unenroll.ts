import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { identityFile } from "../../../agent/enrol/identityFile.js";
import { openKeyStore } from "../../../agent/keys/openKeyStore.js";
import { lockDataDir } from "../../../agent/runtime/lockDataDir.js";
import { CaliberError } from "../../../protocol/errors.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber agent unenroll --data-dir DIR --yes [--json]

Deletes this host's identity, keys and spool. The GPUs fall silent and become stale with the registry; their keys can
never report again. The agent must not be running.
`;

const leftovers = ["spool.db", "spool.db-wal", "spool.db-shm", "status.json", "control.sock"];

export const options = {
  "data-dir": { type: "string" },
  yes: { type: "boolean" },
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
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  const file = identityFile(data_dir);
  const { host, devices, keys } = file.load();
  if (values.yes !== true) {
    throw new CaliberError(
      "NOT_CONFIRMED",
      `this deletes the keys of ${devices.length} GPUs for ever; add --yes`,
      {
        disposition: "user",
      },
    );
  }
  const unlock = lockDataDir(data_dir);
  // Keys first: whatever interrupts this, what is left can be unenrolled again and can sign nothing.
  openKeyStore(data_dir, keys).destroy();
  for (const name of leftovers) rmSync(join(data_dir, name), { force: true });
  file.remove();
  unlock();
  if (values.json === true) io.out(`${JSON.stringify({ host, devices: devices.length })}\n`);
  else io.out(`${host} is unenrolled: its identity and ${devices.length} device keys are deleted\n`);
  return exitCodes.ok;
}
