import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";
import { parseEccPublic } from "../../protocol/tpm/parseEccPublic.js";
import { createFile } from "../files/createFile.js";
import { readPrivateFile } from "./readPrivateFile.js";

/** A device key as its TPM wrapped it: of use in that TPM alone. The parts are as tpm2-tools write them. */
export type TpmKeyFile = {
  /** TPM2B_PUBLIC. */
  public: Buffer;
  /** TPM2B_PRIVATE, encrypted by the storage key of the TPM. */
  private: Buffer;
  /** TPM2B_DIGEST and TPMT_TK_CREATION: with these the TPM knows later that it made the key. */
  creation_hash: Buffer;
  creation_ticket: Buffer;
};

const parts = ["public", "private", "creation_hash", "creation_ticket"] as const;

/**
 * The UUID is text that the host declares: hashed, it can name no other path. A key that took over from another is filed by
 * its own id (`successor`), so that no file is ever renamed or written over.
 */
export function tpmKeyPath(directory: string, uuid: string, successor?: string): string {
  return join(directory, `${tpmKeyStem(uuid)}${successor === undefined ? "" : `-${successor}`}.tpm`);
}

/** What the names of all of a GPU's files begin with. */
export function tpmKeyStem(uuid: string): string {
  return `device-${hash("sha256", uuid, "hex").slice(0, 40)}`;
}

export function tpmKeyExists(directory: string, uuid: string): boolean {
  return existsSync(tpmKeyPath(directory, uuid));
}

export function writeTpmKeyFile(path: string, key: TpmKeyFile): void {
  const text = Object.fromEntries(parts.map((part) => [part, key[part].toString("base64")]));
  createFile(path, `${JSON.stringify({ v: 1, ...text }, null, 2)}\n`);
}

/** @throws CaliberError KEY_MISSING, KEY_FILE_PERMISSIONS, KEY_MALFORMED */
export function readTpmKeyFile(path: string): TpmKeyFile {
  const text = readPrivateFile(path);
  try {
    const json = JSON.parse(text) as Record<string, unknown>;
    const key = Object.fromEntries(parts.map((part) => [part, Buffer.from(json[part] as string, "base64")]));
    parseEccPublic((key as TpmKeyFile).public.subarray(2));
    if (json.v === 1) return key as TpmKeyFile;
  } catch (cause) {
    throw new CaliberError("KEY_MALFORMED", `${path} is not a key wrapped by a TPM`, {
      cause,
      disposition: "user",
    });
  }
  throw new CaliberError("KEY_MALFORMED", `${path} is of another version`, { disposition: "user" });
}
