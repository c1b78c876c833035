import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writePrivateFile } from "../keys/writePrivateFile.js";
import type { Ca } from "./createCa.js";

/** Key and certificate share one file, so that no crash can leave one without the other. */
export const caFile = (directory: string): string => join(directory, "ca.pem");

/** Keeps a CA in a directory (created with mode 0700), in a file of mode 0600. Never replaces one: EEXIST. */
export function saveCa(directory: string, ca: Ca): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writePrivateFile(caFile(directory), `${ca.key.export({ type: "pkcs8", format: "pem" })}${ca.certificate}`);
}
