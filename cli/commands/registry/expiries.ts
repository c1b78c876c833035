import { join } from "node:path";
import { parseArgs } from "node:util";
import { databasePath } from "../../../registry/databasePath.js";
import { openCa } from "../../../registry/enrol/openCa.js";
import { listExpiring } from "../../../registry/expiry/listExpiring.js";
import { warningLevel } from "../../../registry/expiry/warningLevel.js";
import { requireRegistry } from "../../../registry/requireRegistry.js";
import { openDatabase } from "../../../registry/store/openDatabase.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber registry expiries --data-dir DIR [--json]

What runs out unless a person acts: the CA, keepers' certificates, unspent enrolment tokens. May run beside the registry,
which warns of the same in its log with 7, 3 and 1 days left. The exit code is ${exitCodes.attention} when something has a week left or less.
`;

export const options = {
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
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  requireRegistry(data_dir);
  const now_ms = Date.now();
  const ca = openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms });
  const db = openDatabase(databasePath(data_dir));
  const all = listExpiring(db, [{ what: "ca", pem: ca.certificate }]).map((item) => ({
    ...item,
    warning_days: warningLevel(item, now_ms),
  }));
  db.close();
  if (values.json === true) io.out(`${JSON.stringify(all)}\n`);
  else {
    for (const { what, name, expires_ms, warning_days } of all) {
      const mark = warning_days === null ? " " : warning_days === 0 ? "x" : "!";
      io.out(`${mark} ${new Date(expires_ms).toISOString()}  ${what.padEnd(20)}  ${name}\n`);
    }
  }
  return all.some(({ warning_days }) => warning_days !== null) ? exitCodes.attention : exitCodes.ok;
}
