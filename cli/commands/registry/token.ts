import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { apiScopes, createApiTokens } from "../../../registry/api/apiTokens.js";
import { createEnrolToken } from "../../../registry/createEnrolToken.js";
import { databasePath } from "../../../registry/databasePath.js";
import { keeperCertificate } from "../../../registry/enrol/keeperCertificate.js";
import { openCa } from "../../../registry/enrol/openCa.js";
import { recordIssued } from "../../../registry/expiry/recordIssued.js";
import { requireRegistry } from "../../../registry/requireRegistry.js";
import { openDatabase } from "../../../registry/store/openDatabase.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { choiceOption, durationOption, requiredOption } from "../../options.js";

const usage = `caliber registry token create --data-dir DIR --url https://HOST:PORT --recipient 0x… --operator NAME [--valid 24h]
                                     [--ek SHA256]…
    a single-use enrolment token for one host, whose tokens will be minted to the recipient; with --ek for keys in a TPM
    with one of these endorsement keys alone (SHA-256 of its SPKI DER)
caliber registry token api --data-dir DIR --name NAME [--scope read | approve]
    a token for the API: to read all there is, or to have loans approved and nothing else
caliber registry token keeper --data-dir DIR --name NAME --out DIR [--valid 90d]
    a key and certificate that may read events over MQTT

All may run beside the registry. Secrets are printed once and kept as hashes.
`;

export const options = {
  "data-dir": { type: "string" },
  url: { type: "string" },
  recipient: { type: "string" },
  operator: { type: "string" },
  name: { type: "string" },
  out: { type: "string" },
  valid: { type: "string" },
  scope: { type: "string" },
  ek: { type: "string", multiple: true },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options,
  });
  const [kind] = positionals;
  if (values.help === true || kind === undefined) {
    io.out(usage);
    return values.help === true ? exitCodes.ok : exitCodes.usage;
  }
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  requireRegistry(data_dir);
  const print = (value: Record<string, string>, line: string): void =>
    io.out(values.json === true ? `${JSON.stringify(value)}\n` : `${line}\n`);
  switch (kind) {
    case "create": {
      const token = createEnrolToken({
        data_dir,
        url: requiredOption("url", values.url),
        recipient: requiredOption("recipient", values.recipient),
        operator: requiredOption("operator", values.operator),
        valid_ms: durationOption("valid", values.valid, 86_400_000),
        ek_sha256: values.ek ?? [],
        now_ms: Date.now(),
      });
      print({ token }, token);
      return exitCodes.ok;
    }
    case "api": {
      const db = openDatabase(databasePath(data_dir));
      const scope = choiceOption("scope", values.scope, "read", apiScopes);
      const token = createApiTokens(db).create(requiredOption("name", values.name), scope);
      db.close();
      print({ token }, token);
      return exitCodes.ok;
    }
    case "keeper": {
      const now_ms = Date.now();
      const keeper = requiredOption("name", values.name);
      const ca = openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms });
      const files = keeperCertificate(ca, {
        keeper,
        directory: requiredOption("out", values.out),
        now_ms,
        lifetime_ms: durationOption("valid", values.valid, 90 * 86_400_000),
      });
      const expires_ms = Date.parse(new X509Certificate(readFileSync(files.certificate)).validTo);
      const db = openDatabase(databasePath(data_dir));
      recordIssued(db, { what: "keeper-certificate", name: keeper, made_ms: now_ms, expires_ms });
      db.close();
      print(files, Object.values(files).join("\n"));
      return exitCodes.ok;
    }
    default:
      io.err(`caliber registry token: no such kind: ${kind}\n\n${usage}`);
      return exitCodes.usage;
  }
}
