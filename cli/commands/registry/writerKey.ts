import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import type { Hex } from "viem";
import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";
import { CaliberError } from "../../../protocol/errors.js";
import { parseKeystore } from "../../../registry/chain/keystore/keystore.js";
import { openKeystore } from "../../../registry/chain/keystore/openKeystore.js";
import { sealKeystore } from "../../../registry/chain/keystore/sealKeystore.js";
import { readPassword } from "../../../registry/chain/readPassword.js";
import { loadOrCreatePrivateFile } from "../../../registry/keys/loadOrCreatePrivateFile.js";
import { readPrivateFile } from "../../../registry/keys/readPrivateFile.js";
import { writePrivateFile } from "../../../registry/keys/writePrivateFile.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber registry writer-key create --writer-key FILE --writer-password FILE [--json]
    a new account for the chain writer, in an encrypted keystore (Web3 Secret Storage V3)
caliber registry writer-key import --from FILE --writer-key FILE --writer-password FILE [--json]
    a keystore of a plain key (0x and 64 hex digits) in a file of mode 0600; delete that file afterwards
caliber registry writer-key show --writer-key FILE --writer-password FILE [--json]
    the account's address, if the password opens the keystore
caliber registry writer-key hand-over --from 0x… --writer-key FILE --writer-password FILE --deployment FILE --rpc-url URL
                        --admin-key FILE --admin-password FILE [--with-admin] [--json]
    has the contracts' admin put the new account in the place of the one that writes until now: roles and attestation;
    with --with-admin the admin's own place too, in two steps. --writer-address 0x… stands for an account that a signer
    holds. With --admin-address 0x… instead of the admin's key nothing is sent: the calls are printed, for a multisig
caliber registry writer-key accept-admin --writer-key FILE --writer-password FILE --deployment FILE --rpc-url URL [--json]
    the second of those two steps, after the contracts' delay

The password is the first line of a file of mode 0600; create and import make a random one where the file is missing.
No keystore is ever replaced.
`;

export const options = {
  "writer-key": { type: "string" },
  "writer-password": { type: "string" },
  from: { type: "string" },
  "writer-address": { type: "string" },
  deployment: { type: "string" },
  "rpc-url": { type: "string" },
  "admin-key": { type: "string" },
  "admin-password": { type: "string" },
  "admin-address": { type: "string" },
  "with-admin": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options });
  const [word] = positionals;
  if (values.help === true || word === undefined) {
    io.out(usage);
    return values.help === true ? exitCodes.ok : exitCodes.usage;
  }
  if (word === "hand-over" || word === "accept-admin") {
    const { runHandOver } = await import("./writerHandOver.js");
    return runHandOver(word, values, io);
  }
  if (!["create", "import", "show"].includes(word)) {
    io.err(`caliber registry writer-key: no such command: ${word}\n\n${usage}`);
    return exitCodes.usage;
  }
  const key_file = requiredOption("writer-key", values["writer-key"]);
  const password_file = requiredOption("writer-password", values["writer-password"]);
  const secret =
    word === "show"
      ? await openKeystore(parseKeystore(textOf(key_file)), readPassword(password_file))
      : await make(key_file, password_file, word === "import" ? requiredOption("from", values.from) : null);
  const address = privateKeyToAddress(secret).toLowerCase();
  io.out(values.json === true ? `${JSON.stringify({ address, writer_key: key_file })}\n` : `${address}\n`);
  return exitCodes.ok;
}

async function make(key_file: string, password_file: string, from: string | null): Promise<Hex> {
  if (readPrivateFile(key_file) !== null) {
    throw new CaliberError("KEY_FILE_EXISTS", `${key_file} is there already`, { disposition: "user" });
  }
  const secret = from === null ? generatePrivateKey() : plainKey(from);
  loadOrCreatePrivateFile(password_file, () => `${randomBytes(32).toString("base64url")}\n`);
  const keystore = await sealKeystore(secret, readPassword(password_file));
  writePrivateFile(key_file, `${JSON.stringify(keystore)}\n`);
  return secret;
}

function plainKey(path: string): Hex {
  const key = textOf(path).trim();
  if (!/^0x[0-9a-f]{64}$/.test(key)) {
    throw new CaliberError("KEY_FILE_MALFORMED", `${path} does not hold a key`, { disposition: "user" });
  }
  return key as Hex;
}

function textOf(path: string): string {
  const text = readPrivateFile(path);
  if (text === null) {
    throw new CaliberError("FILE_UNREADABLE", `${path} is not there`, { disposition: "user" });
  }
  return text;
}
