/** Passed on from this process: how to find the program, its interpreter and the driver's library. */
const passed = ["PATH", "LD_LIBRARY_PATH"] as const;

/** The child's whole environment. The agent's own holds secrets' paths that nvidia-smi has no use for. */
export function childEnv(extra: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: "C" };
  for (const name of passed) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}
