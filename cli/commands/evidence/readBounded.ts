import { readFileSync, statSync } from "node:fs";
import { CaliberError } from "../../../protocol/errors.js";

/** A whole machine's evidence has about 150 kB. */
const maxFile_bytes = 4 * 1024 * 1024;

/** A file of evidence. @throws CaliberError EVIDENCE_FILE_UNREADABLE, EVIDENCE_FILE_TOO_LARGE */
export function readBounded(path: string): Buffer {
  try {
    if (statSync(path).size <= maxFile_bytes) return readFileSync(path);
  } catch (cause) {
    throw new CaliberError("EVIDENCE_FILE_UNREADABLE", `cannot read ${path}`, {
      cause,
      disposition: "user",
      ...(cause instanceof Error && { details: cause.message }),
    });
  }
  throw new CaliberError("EVIDENCE_FILE_TOO_LARGE", `${path} has more than ${maxFile_bytes} bytes`, {
    disposition: "user",
  });
}
