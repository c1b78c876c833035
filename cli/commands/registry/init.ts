import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkpointVerifierKey } from "../../../protocol/log/checkpoint.js";
import { createApiTokens } from "../../../registry/api/apiTokens.js";
import { databasePath } from "../../../registry/databasePath.js";
import { caHash } from "../../../registry/enrol/caHash.js";
import { openCa } from "../../../registry/enrol/openCa.js";
import { loadRegistryKeys } from "../../../registry/keys/registryKeys.js";
import { originOf } from "../../../registry/originOf.js";
import { requireOwnKeys } from "../../../registry/requireOwnKeys.js";
import { createMeta } from "../../../registry/store/meta.js";
import { openDatabase } from "../../../registry/store/openDatabase.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber registry init --data-dir DIR [--json]

Makes the registry's keys, CA and database, and a read token for its API. The token is shown once.
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
  const made = initRegistry(requiredOption("data-dir", values["data-dir"]), Date.now());
  io.out(
    values.json === true
      ? `${JSON.stringify(made)}\n`
      : `log key     ${made.log_vkey}\nCA          sha256 ${made.ca_sha256}\nread token  ${made.api_token}   (shown once)\n`,
  );
  return exitCodes.ok;
}

/** Makes what a registry needs in an empty directory; in one that is made already it only adds a read token. */
export function initRegistry(data_dir: string, now_ms: number) {
  mkdirSync(data_dir, { recursive: true, mode: 0o700 });
  const db = openDatabase(databasePath(data_dir));
  try {
    const meta = createMeta(db);
    requireOwnKeys(data_dir, meta);
    const keys = loadRegistryKeys(join(data_dir, "keys"));
    const ca = openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms });
    const origin = originOf(meta, keys);
    return {
      origin,
      log_vkey: checkpointVerifierKey(origin, keys.logPublic),
      ca_sha256: caHash(ca.certificate),
      registry_sha256: keys.receiptId,
      api_token: createApiTokens(db).create("init"),
    };
  } finally {
    db.close();
  }
}
