import { request } from "node:https";
import type { ClockFacts } from "./checkClock.js";

const timeout_ms = 5000;

/**
 * How far this clock is ahead of the registry's, by the Date header of its enrolment listener, which has whole seconds;
 * null when it does not answer (another check says why).
 */
export function registryOffset(url: string, ca: string, now_ms: () => number): Promise<ClockFacts["offset"]> {
  return new Promise((resolve) => {
    const asked_ms = now_ms();
    const call = request(new URL("/v1/ca", url), {
      ca,
      agent: false,
      signal: AbortSignal.timeout(timeout_ms),
    });
    call.on("error", () => resolve(null));
    call.on("response", ({ headers }) => {
      const told_ms = Date.parse(headers.date ?? "");
      const answered_ms = now_ms();
      call.destroy();
      if (Number.isNaN(told_ms)) return resolve(null);
      const half_ms = (answered_ms - asked_ms) / 2;
      // The header has cut off half a second on average.
      resolve({
        ahead_ms: Math.round(asked_ms + half_ms - told_ms - 500),
        error_ms: Math.ceil(half_ms + 500),
      });
    });
    call.end();
  });
}
