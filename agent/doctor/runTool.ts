import { execFile } from "node:child_process";

/** How a system's own tool ended and what it printed; null when there is no such tool, or it did not end in time. */
export type RunTool = (
  name: string,
  args: readonly string[],
) => Promise<{ code: number; output: string } | null>;

const timeout_ms = 3000;
const maxBuffer = 256 * 1024;

export const runTool: RunTool = (name, args) =>
  new Promise((resolve) => {
    const options = { timeout: timeout_ms, killSignal: "SIGKILL", maxBuffer, env: toolEnv() } as const;
    execFile(name, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, output: stdout });
      // A code that is text is the system's (ENOENT …); null is an end by signal.
      resolve(typeof error.code === "number" ? { code: error.code, output: stdout + stderr } : null);
    });
  });

/** In English, and without this process's own settings. */
function toolEnv(): Record<string, string> {
  return { LC_ALL: "C", PATH: process.env.PATH ?? "/usr/bin:/bin" };
}
