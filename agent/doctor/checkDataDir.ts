import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Is the data directory there, this user's alone, and writable; and are the keys in it? */
export function checkDataDir(data_dir: string, uid: number): Check {
  return {
    id: "data-dir",
    run() {
      const stat = statSync(data_dir, { throwIfNoEntry: false });
      if (stat !== undefined && !stat.isDirectory()) {
        return findings.fail(
          `${data_dir} is no directory.`,
          "Name the agent's data directory with --data-dir.",
        );
      }
      if (stat === undefined) {
        return findings.fail(
          `There is no directory ${data_dir}.`,
          `Run \`install -d -m 0700 ${data_dir}\` as the agent's user.`,
        );
      }
      // Root may do everything: to it the access below says nothing of the user that the agent runs as.
      if (uid !== 0 && stat.uid !== uid) {
        return findings.fail(
          `${data_dir} belongs to user ${stat.uid}, and this is user ${uid}.`,
          "Run this command, and the agent, as the directory's owner.",
        );
      }
      const open = [data_dir, ...privateFiles(data_dir)].filter((path) => (modeOf(path) & 0o077) !== 0);
      if (open.length > 0) {
        return findings.fail(
          `Others may enter or read ${open.join(", ")}.`,
          `Run \`chmod -R go-rwx ${data_dir}\`; a key that others may have read must be enrolled anew.`,
        );
      }
      const foreign = [data_dir, ...privateFiles(data_dir)].filter((path) => statSync(path).uid !== stat.uid);
      if (foreign.length > 0) {
        return findings.fail(
          `${foreign.join(", ")} belongs to another user than ${data_dir}.`,
          `Run \`chown -R --reference=${data_dir} ${data_dir}\` as root.`,
        );
      }
      if (!writable(data_dir)) {
        return findings.fail(`${data_dir} cannot be written to.`, "Mount its file system read-write.");
      }
      return findings.ok(`${data_dir} is its owner's alone, and writable.`);
    },
  };
}

/** Identity, spool, keys: everything that only the agent may read. */
function privateFiles(data_dir: string): string[] {
  const names = readdirSync(data_dir).filter((name) => /^(keys|identity\.json|spool\.db.*)$/.test(name));
  const keys = names.includes("keys")
    ? readdirSync(join(data_dir, "keys")).map((name) => join("keys", name))
    : [];
  return [...names, ...keys].map((name) => join(data_dir, name));
}

function modeOf(path: string): number {
  return statSync(path).mode;
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
