import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { CaliberError } from "../../protocol/errors.js";

/** One child process of `caliber up`. */
export type Part = {
  name: string;
  pid: number;
  /** Resolves with the exit code (null when a signal ended it), however it ends. */
  ended: Promise<number | null>;
  /** SIGTERM, then SIGKILL when it has not ended by then. */
  stop(grace_ms: number): Promise<void>;
  /** SIGKILL: what a power cut looks like. */
  kill(): Promise<void>;
};

export type PartOptions = {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  /** Gets the part's standard error, and its standard output unless that is read for a ready line. */
  log_file: string;
};

/**
 * Starts a part in a process group of its own, so that Ctrl-C reaches the supervisor alone, with a pipe on standard
 * input whose end tells it that the supervisor is gone.
 */
export function startPart(options: PartOptions): Part {
  return spawnPart(options, false).part;
}

/** The same, and waits for its first line of JSON on standard output. */
export async function startPartUntilReady(
  options: PartOptions,
  timeout_ms: number,
): Promise<{ part: Part; ready: Record<string, unknown> }> {
  const { part, child } = spawnPart(options, true);
  const line = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout! }).once("line", resolve);
  });
  const failed = part.ended.then((code) => {
    throw new CaliberError("PART_FAILED", `${options.name} ended with code ${code} before it was ready`, {
      details: `see ${options.log_file}`,
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CaliberError("PART_FAILED", `${options.name} is not ready in time`)),
      timeout_ms,
    );
  });
  try {
    return { part, ready: JSON.parse(await Promise.race([line, failed, late])) as Record<string, unknown> };
  } catch (error) {
    await part.kill();
    throw error;
  } finally {
    clearTimeout(timer);
    // After the race its loser may still be refused: that has been told, or the part is being watched.
    failed.catch(() => undefined);
  }
}

function spawnPart(options: PartOptions, readsOutput: boolean): { part: Part; child: ChildProcess } {
  const log = openSync(options.log_file, "a", 0o600);
  const child = spawn(options.command, options.args, {
    detached: true,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", readsOutput ? "pipe" : log, log],
  });
  closeSync(log);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("exit", resolve);
    child.once("error", (cause) => {
      reject(
        new CaliberError("PART_FAILED", `${options.name} cannot be started: ${cause.message}`, { cause }),
      );
    });
  });
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
    await ended;
  };
  const part: Part = {
    name: options.name,
    pid: child.pid ?? -1,
    ended,
    async stop(grace_ms) {
      const timer = setTimeout(() => child.kill("SIGKILL"), grace_ms);
      await signal("SIGTERM");
      clearTimeout(timer);
    },
    kill: () => signal("SIGKILL"),
  };
  return { part, child };
}
