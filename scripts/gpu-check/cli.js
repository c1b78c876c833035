import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built binary; nothing of npm is needed to run it. */
export const cliPath = fileURLToPath(new URL("../../dist/cli/caliber.js", import.meta.url));

/** Runs one command of it to its end. */
export function caliber(args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [cliPath, ...args], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    timeout: 120_000,
    ...options,
  });
  return { code: status ?? 1, stdout: stdout ?? "", stderr: error?.message ?? stderr ?? "" };
}
