import type { CaliberError } from "../../../protocol/errors.js";
import { createLineSplitter } from "./lineSplitter.js";
import type { SmiCommand } from "./runOnce.js";
import { smiExitError, smiSpawnError } from "./smiErrors.js";
import { spawnSmi } from "./spawnSmi.js";

export type StreamEnd = { error: CaliberError; code: number | null; output: string };

export type SmiStream = {
  /** SIGKILL. No line follows; `ended` resolves when the kernel has reaped the child, which may be never. */
  kill(): void;
  /** Never rejects. An exit with code 0 is an end too: the loop was to run for ever. */
  ended: Promise<StreamEnd>;
};

/** How much of the end of what the child printed is kept for its error message. */
const tailChars = 2000;

/**
 * Starts the one long-lived `nvidia-smi --query-gpu=… -l`. Its standard input is closed and its output a pipe to this
 * process alone, so it dies by SIGPIPE with its next line should this process be killed.
 */
export function openStream(
  command: SmiCommand,
  fields: readonly string[],
  uuids: readonly string[] | null,
  interval_ms: number,
  onLine: (line: string) => void,
): SmiStream {
  const loop = interval_ms % 1000 === 0 ? ["-l", String(interval_ms / 1000)] : ["-lms", String(interval_ms)];
  const args = [
    `--query-gpu=${fields.join(",")}`,
    "--format=csv,noheader,nounits",
    ...loop,
    ...(uuids === null ? [] : ["-i", uuids.join(",")]),
  ];
  let child: ReturnType<typeof spawnSmi>;
  try {
    child = spawnSmi(command, args);
  } catch (error) {
    const end = { error: error as CaliberError, code: null, output: "" };
    return { kill: () => undefined, ended: Promise.resolve(end) };
  }
  let output = "";
  let killed = false;
  const split = createLineSplitter(onLine);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      output = (output + chunk).slice(-tailChars);
    });
  }
  child.stdout.on("data", (chunk: string) => {
    if (!killed) split(chunk);
  });
  const ended: SmiStream["ended"] = new Promise((resolve) => {
    child.on("error", (cause) => {
      // Also told when a signal could not be sent: then the child is still there, and no other may be started.
      if (child.pid === undefined) resolve({ error: smiSpawnError(command.path, cause), code: null, output });
    });
    // Not "exit": its last words may still be in the pipe. A killed child's pipes are destroyed, so it closes too.
    child.on("close", (code, signal) =>
      resolve({ error: smiExitError({ code, signal }, output), code, output }),
    );
  });
  return {
    kill() {
      killed = true;
      // One that could not be started has pid 0 for Node until it tells of it: the signal would go to our own group.
      if (child.pid !== undefined) child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      // One in uninterruptible sleep must not hold this process when it wants to end.
      child.unref();
    },
    ended,
  };
}
