import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { childEnv } from "./childEnv.js";
import type { SmiCommand } from "./runOnce.js";
import { smiSpawnError } from "./smiErrors.js";

/**
 * Starts nvidia-smi with its standard input closed and both outputs as pipes.
 *
 * @throws CaliberError NVIDIA_SMI_FAILED when this process can open no more pipes or start no more children; that the
 * program itself is missing comes as the child's `error` event
 */
export function spawnSmi(
  command: SmiCommand,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = (command.spawn ?? spawn)(command.path, args, {
      env: childEnv(command.env),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
  } catch (cause) {
    throw smiSpawnError(command.path, cause as Error);
  }
  // Out of file descriptors, node returns a child without pipes and tells why by an event.
  if ((child.stdout as Readable | undefined) === undefined) {
    const error = new Error("no pipe to the child could be opened");
    child.once("error", (cause) => {
      error.cause = cause;
    });
    throw smiSpawnError(command.path, error);
  }
  return child;
}
