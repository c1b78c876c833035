/** `unknown`: it could not be told, which is not the same as well. */
export type CheckStatus = "ok" | "warn" | "fail" | "unknown";

/** What a check found: one sentence for a person, and one on what to do about it (null when all is well). */
export type Finding = { status: CheckStatus; says: string; fix: string | null };

/** One thing that must be in order for the agent to do its work. `id` is stable. */
export type Check = { id: string; run(): Finding | Promise<Finding> };

export type CheckResult = { id: string } & Finding;

/** From best to worst. */
export const severity: readonly CheckStatus[] = ["ok", "unknown", "warn", "fail"];
