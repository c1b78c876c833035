import { CaliberError } from "../../protocol/errors.js";
import { type Check, type CheckResult, type CheckStatus, severity } from "./check.js";
import { findings } from "./findings.js";

/**
 * Runs the checks side by side, in their order in the answer. One that fails itself, or does not end in time, is
 * `unknown` and says why: what the doctor could not see must not pass for healthy, nor hide what the others saw.
 */
export async function runChecks(
  checks: readonly Check[],
  { timeout_ms }: { timeout_ms: number },
): Promise<{ status: CheckStatus; results: CheckResult[] }> {
  const results = await Promise.all(
    checks.map(async ({ id, run }): Promise<CheckResult> => {
      try {
        return { id, ...(await within(timeout_ms, async () => run())) };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { id, ...findings.unknown(`the check itself failed: ${why}`, "Report this as a fault.") };
      }
    }),
  );
  const worst = Math.max(0, ...results.map(({ status }) => severity.indexOf(status)));
  return { status: severity[worst]!, results };
}

async function within<T>(timeout_ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CaliberError("CHECK_TIMEOUT", `no end after ${timeout_ms} ms`)),
      timeout_ms,
    );
  });
  return Promise.race([work(), late]).finally(() => clearTimeout(timer));
}
