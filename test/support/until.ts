import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until the answer is neither null nor undefined nor false. @throws Error when it takes too long. */
export async function until<T>(
  what: string,
  timeout_ms: number,
  ask: () => T | Promise<T>,
  every_ms = 50,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + timeout_ms;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) {
      return answer as NonNullable<Exclude<T, false>>;
    }
    if (performance.now() > end) throw new Error(`not within ${timeout_ms} ms: ${what}`);
    await sleep(every_ms);
  }
}
