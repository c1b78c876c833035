/**
 * Resolves when this process is asked to end: SIGINT, SIGTERM, or, when it was started as a part of another one, the
 * end of its standard input, which the kernel closes however the parent dies.
 */
export function untilStopped(withParent: boolean): Promise<"signal" | "parent"> {
  const asked = new Promise<"signal" | "parent">((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve("signal"));
    if (!withParent) return;
    process.stdin.once("end", () => resolve("parent"));
    process.stdin.once("error", () => resolve("parent"));
    process.stdin.resume();
  });
  // An open standard input would keep the process from ending.
  return withParent ? asked.finally(() => process.stdin.destroy()) : asked;
}
