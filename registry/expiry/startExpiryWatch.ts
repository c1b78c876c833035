import type { Logger } from "pino";
import type { Expiring } from "./expiring.js";
import { type WarningLevel, warningLevel } from "./warningLevel.js";

const look_every_ms = 3_600_000;

/**
 * Warns an operator in the log when something has 7, 3 and 1 days left, once each, and when it has run out; after a
 * restart again.
 *
 * @returns how to stop.
 */
export function startExpiryWatch(options: {
  list: () => Expiring[];
  now_ms: () => number;
  log: Logger;
}): () => void {
  const { list, now_ms, log } = options;
  const told = new Map<string, WarningLevel>();
  const look = (): void => {
    for (const item of list()) {
      const level = warningLevel(item, now_ms());
      const key = JSON.stringify([item.what, item.name, item.expires_ms]);
      if (level === null || told.get(key) === level) continue;
      told.set(key, level);
      const { what, name, expires_ms } = item;
      const facts = { what, name, expires: new Date(expires_ms).toISOString() };
      if (level === 0) log.error(facts, "has run out");
      else log.warn({ ...facts, days: level }, "runs out soon, and nothing but a person renews it");
    }
  };
  look();
  const timer = setInterval(look, look_every_ms);
  return () => clearInterval(timer);
}
