import { readFileSync } from "node:fs";
import { CaliberError } from "../protocol/errors.js";

/** The one line of a file that a flag names. */
export function readSecret(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new CaliberError("FILE_UNREADABLE", `--${flag}: ${path} cannot be read (${code})`, {
      cause,
      disposition: "user",
    });
  }
}
