import { createRequire } from "node:module";

/**
 * Lets the process end although a thread is stuck in C. Node waits for its threads when it ends, whether by
 * `process.exit()`, by an empty event loop or by an uncaught error, and `terminate()` cannot reach one that runs no
 * JavaScript; so the last thing done then is _exit(2), with the exit code that was meant. Listeners of `exit` added
 * before this one have run; those added later do not. A thread in uninterruptible sleep keeps even that from finishing,
 * as it would keep SIGKILL.
 *
 * @returns takes the listener away.
 */
export function exitDespite(stuck: () => boolean): () => void {
  const onExit = (code: number) => {
    if (!stuck()) return;
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    koffi.load(null).func("void _exit(int code)")(code);
  };
  process.on("exit", onExit);
  return () => process.off("exit", onExit);
}
