import { parseArgs } from "node:util";
import { databasePath } from "../../../registry/databasePath.js";
import { lockDataDir } from "../../../registry/lockDataDir.js";
import { requireRegistry } from "../../../registry/requireRegistry.js";
import { openDatabase } from "../../../registry/store/openDatabase.js";
import { catchUp, rebuild, tableDigests } from "../../../registry/store/rebuild.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber registry rebuild --data-dir DIR [--check] [--json]

Checks the whole log against its leaf hashes and signed checkpoints, drops every derived table and makes it again from
the log alone. With --check the exit code is 1 when a table then differs from what it was. The registry must not run.
`;

export const options = {
  "data-dir": { type: "string" },
  check: { type: "boolean" },
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
  requireRegistry(data_dir);
  const unlock = lockDataDir(data_dir);
  const db = openDatabase(databasePath(data_dir));
  try {
    catchUp(db);
    const before = tableDigests(db);
    const result = rebuild(db);
    const changed = Object.keys(before).filter((table) => before[table] !== result.digests[table]);
    io.out(
      values.json === true
        ? `${JSON.stringify({ ...result, changed })}\n`
        : `${result.entries} entries, root ${result.root}\n${
            changed.length === 0 ? "every table is as it was" : `changed: ${changed.join(", ")}`
          }\n`,
    );
    return values.check === true && changed.length > 0 ? exitCodes.failed : exitCodes.ok;
  } finally {
    db.close();
    unlock();
  }
}
