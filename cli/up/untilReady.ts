import { CaliberError } from "../../protocol/errors.js";
import type { Part } from "./startPart.js";

/**
 * Waits for a part's first line of output, which is JSON.
 *
 * @throws CaliberError PART_FAILED when it ends before, or is not ready in time.
 */
export async function untilReady(part: Part, timeout_ms: number): Promise<Record<string, unknown>> {
  const failed = part.ended.then((code) => {
    throw new CaliberError("PART_FAILED", `${part.name} ended with code ${code} before it was ready`, {
      details: `see ${part.log_file}`,
    });
  });
  // After the race nobody listens here any more: the part is being watched by then.
  failed.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CaliberError("PART_FAILED", `${part.name} is not ready in time`)),
      timeout_ms,
    );
  });
  try {
    return JSON.parse(await Promise.race([part.firstLine ?? late, failed, late])) as Record<string, unknown>;
  } finally {
    clearTimeout(timer);
  }
}
