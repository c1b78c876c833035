import { execFile } from "node:child_process";
import { caliber } from "./startUp.js";

export type Ran = { code: number; out: string; err: string };

/** Runs one command of the built binary to its end. */
export function runCaliber(args: string[], timeout_ms = 30_000): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [caliber, ...args],
      { timeout: timeout_ms, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => {
        if (child.exitCode === null)
          reject(new Error(`caliber ${args.join(" ")}: ${error?.message}\n${err}`));
        else resolve({ code: child.exitCode, out, err });
      },
    );
  });
}
