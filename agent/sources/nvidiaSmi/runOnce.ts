import { spawn } from "node:child_process";
import { CaliberError } from "../../../protocol/errors.js";
import { childEnv } from "./childEnv.js";
import { type SmiErrorCode, smiExitError, smiSpawnError } from "./smiErrors.js";

export type SmiCommand = {
  path: string;
  /** Added to the child's small environment. */
  env: Readonly<Record<string, string>>;
};

/** How much of the end of what a failed run printed is kept: its message stands there. */
const tailChars = 2000;

/**
 * Runs nvidia-smi to its end. `onChunk` gets its standard output piece by piece and may throw, which kills the child.
 * Resolves with the exit code (only codes in `accept`), kills with SIGKILL after `timeout_ms`: a sick GPU hangs the
 * ioctl, and a child that waits for one heeds nothing gentler.
 *
 * @throws CaliberError NVIDIA_SMI_* by spawn failure, exit code or timeout, or what `onChunk` threw
 */
export function runOnce(
  command: SmiCommand,
  args: readonly string[],
  options: {
    timeout_ms: number;
    onChunk: (chunk: string) => void;
    accept?: readonly number[];
    signal?: AbortSignal;
    /** Called when the process is really gone, which can be long after this function gave up on it. */
    onExit?: () => void;
  },
): Promise<{ code: number; output: string }> {
  const { accept = [0], signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command.path, args, {
      env: childEnv(command.env),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    let output = "";
    let settled = false;

    function settle(outcome: () => void) {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      child.kill("SIGKILL");
      // An unkillable child (uninterruptible sleep) must not hold this process through its pipes.
      child.stdout.destroy();
      child.stderr.destroy();
      outcome();
    }
    const fail = (error: Error) => settle(() => reject(error));
    const timer = setTimeout(
      () =>
        fail(
          new CaliberError<SmiErrorCode>(
            "NVIDIA_SMI_TIMEOUT",
            `nvidia-smi gave no answer in ${options.timeout_ms} ms`,
            { disposition: "retryable" },
          ),
        ),
      options.timeout_ms,
    );
    const onAbort = () =>
      fail(new CaliberError<SmiErrorCode>("NVIDIA_SMI_FAILED", "the reading was stopped"));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);

    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("error", fail);
      stream.on("data", (chunk: string) => {
        output = (output + chunk).slice(-tailChars);
      });
    }
    child.stdout.on("data", (chunk: string) => {
      if (settled) return;
      try {
        options.onChunk(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
    child.on("exit", () => options.onExit?.());
    child.on("error", (error) => {
      // Never started: there will be no "exit".
      if (child.pid === undefined) options.onExit?.();
      fail(smiSpawnError(command.path, error));
    });
    child.on("close", (code, killedBy) => {
      if (code !== null && accept.includes(code)) settle(() => resolve({ code, output }));
      else fail(smiExitError({ code, signal: killedBy }, output));
    });
  });
}
