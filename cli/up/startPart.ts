import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { CaliberError } from "../../protocol/errors.js";
import { withoutConfig } from "../config/withoutConfig.js";

/** One child process of `caliber up`. */
export type Part = {
  name: string;
  /** -1 when it could not be started. */
  pid: number;
  log_file: string;
  /** Resolves with the exit code (null when a signal ended it), however it ends. */
  ended: Promise<number | null>;
  /** Its first line on standard output; null where that goes to the log. */
  firstLine: Promise<string> | null;
  /**
   * SIGTERM, then SIGKILL for it and its children when it has not ended by then.
   *
   * @returns false when it had to be killed.
   */
  stop(grace_ms: number): Promise<boolean>;
  /** SIGKILL for it and its children: what a power cut looks like. */
  kill(): Promise<void>;
};

export type PartOptions = {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  /** Gets the part's standard error, and its standard output unless that is read for a first line. */
  log_file: string;
  readsFirstLine?: boolean;
};

/**
 * Starts a part in a process group of its own, so that Ctrl-C reaches the supervisor alone, with a pipe on standard
 * input whose end tells it that the supervisor is gone. It inherits no configuration: what `caliber up` decides is in
 * its flags, and section `up` is all that decides it.
 */
export function startPart(options: PartOptions): Part {
  const { name, command, args, env, log_file, readsFirstLine = false } = options;
  const log = openSync(log_file, "a", 0o600);
  const child = spawn(command, args, {
    detached: true,
    env: { ...withoutConfig(process.env), ...env },
    stdio: ["pipe", readsFirstLine ? "pipe" : log, log],
  });
  closeSync(log);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("exit", resolve);
    child.once("error", (cause) => {
      reject(new CaliberError("PART_FAILED", `${name} cannot be started: ${cause.message}`, { cause }));
    });
  });
  // Whoever waits for the end is told; that nobody may be waiting is no fault of its own.
  ended.catch(() => undefined);
  const firstLine = readsFirstLine
    ? new Promise<string>((resolve) => {
        createInterface({ input: child.stdout! }).once("line", resolve);
      })
    : null;
  return {
    name,
    pid: child.pid ?? -1,
    log_file,
    ended,
    firstLine,
    async stop(grace_ms) {
      let inTime = true;
      const timer = setTimeout(() => {
        inTime = false;
        killGroup(child);
      }, grace_ms);
      if (isRunning(child)) child.kill("SIGTERM");
      await ended;
      clearTimeout(timer);
      return inTime;
    },
    async kill() {
      killGroup(child);
      await ended;
    },
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || !isRunning(child)) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
