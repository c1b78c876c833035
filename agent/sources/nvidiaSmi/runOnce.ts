import type { spawn } from "node:child_process";
import { CaliberError } from "../../../protocol/errors.js";
import { type SmiErrorCode, smiExitError, smiSpawnError } from "./smiErrors.js";
import { spawnSmi } from "./spawnSmi.js";

export type SmiCommand = {
  path: string;
  /** Added to the child's small environment. */
  env: Readonly<Record<string, string>>;
  /** Starts the child; node's own unless told otherwise. */
  spawn?: typeof spawn;
};

/** How much of the end of what a failed run printed is kept: its message stands there. */
const tailChars = 2000;
/** How long a killed child may take to go. One in uninterruptible sleep goes when its ioctl returns, if ever. */
const reapWait_ms = 1000;

/**
 * Runs nvidia-smi to its end. `onChunk` gets its standard output piece by piece and may throw, which kills the child.
 * Resolves with the exit code (only codes in `accept`), kills with SIGKILL after `timeout_ms`: a sick GPU hangs the
 * ioctl, and a child that waits for one heeds nothing gentler. A child that does not go when killed is abandoned: it
 * holds neither this promise nor this process, and `onExit` tells when it is gone.
 *
 * @throws CaliberError NVIDIA_SMI_* by spawn failure, exit code or timeout, or what `onChunk` threw; once the child is
 * gone, or NVIDIA_SMI_UNKILLABLE with that as its cause
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
    let child: ReturnType<typeof spawnSmi>;
    try {
      child = spawnSmi(command, args);
    } catch (error) {
      options.onExit?.();
      throw error;
    }
    let output = "";
    let settled = false;
    let gone = false;

    function settle(outcome: () => void) {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      outcome();
    }
    const fail = (error: Error) =>
      settle(() => {
        // One that could not be started has pid 0 for Node until it tells of it: the signal would go to our own group.
        if (child.pid !== undefined) child.kill("SIGKILL");
        child.stdout.destroy();
        child.stderr.destroy();
        child.unref();
        if (gone) return reject(error);
        const giveUp = setTimeout(() => reject(unkillable(error)), reapWait_ms);
        child.once("exit", () => {
          clearTimeout(giveUp);
          reject(error);
        });
      });
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
    child.on("exit", () => {
      gone = true;
      options.onExit?.();
    });
    child.on("error", (error) => {
      // Also told when a signal could not be sent; only a child that never started gives no "exit".
      if (child.pid === undefined) {
        gone = true;
        options.onExit?.();
      }
      fail(smiSpawnError(command.path, error));
    });
    child.on("close", (code, killedBy) => {
      if (code !== null && accept.includes(code)) settle(() => resolve({ code, output }));
      else fail(smiExitError({ code, signal: killedBy }, output));
    });
    if (signal?.aborted) onAbort();
  });
}

function unkillable(cause: Error): CaliberError<SmiErrorCode> {
  return new CaliberError(
    "NVIDIA_SMI_UNKILLABLE",
    `${cause.message}, and it cannot be killed: no other is started until it is gone`,
    { cause, disposition: "retryable" },
  );
}
