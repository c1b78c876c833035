import type { Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { readPrivateFile } from "../keys/readPrivateFile.js";
import { parseKeystore } from "./keystore/keystore.js";
import { openKeystore } from "./keystore/openKeystore.js";
import { loadWriterKey } from "./loadWriterKey.js";
import { readPassword } from "./readPassword.js";

/** anvil's, whose accounts hold nothing. */
const development_chain = 31_337;

/**
 * The writer account's key: from an encrypted keystore, or, on the development chain alone, from a plain file.
 *
 * @throws CaliberError WRITER_KEY_PLAIN, WRITER_KEY_MISSING, WRITER_PASSWORD_MISSING; as parseKeystore, openKeystore
 *   and readPassword; no message holds the key
 */
export async function openWriterKey(options: {
  key_file: string;
  password_file: string | null;
  chain_id: number;
}): Promise<Hex> {
  const { key_file, password_file, chain_id } = options;
  const text = readPrivateFile(key_file);
  const refuse = (code: string, message: string) => new CaliberError(code, message, { disposition: "user" });
  if (text?.trimStart().startsWith("{") === true) {
    if (password_file === null) {
      throw refuse("WRITER_PASSWORD_MISSING", `${key_file} is a keystore: --writer-password is needed`);
    }
    return openKeystore(parseKeystore(text), readPassword(password_file));
  }
  if (chain_id === development_chain) return loadWriterKey(key_file);
  if (text === null) throw refuse("WRITER_KEY_MISSING", `${key_file} is not there`);
  throw refuse(
    "WRITER_KEY_PLAIN",
    `${key_file} is no encrypted keystore: make one of it by caliber registry writer-key import`,
  );
}
