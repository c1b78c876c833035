import type { Logger } from "pino";

export type Problem = { code: string; subject: string; text: string; since_ms: number };

/** What stands in the writer's way and a person should know: each told once in the log and kept until it is over. */
export type Problems = {
  set(code: string, subject: string, text: string): void;
  clear(code: string, subject: string): void;
  list(): Problem[];
};

export function createProblems(log: Logger, now_ms: () => number): Problems {
  const held = new Map<string, Problem>();
  const key = (code: string, subject: string) => `${code} ${subject}`;
  return {
    set(code, subject, text) {
      const before = held.get(key(code, subject));
      if (before?.text !== text) log.warn({ code, subject }, text);
      held.set(key(code, subject), { code, subject, text, since_ms: before?.since_ms ?? now_ms() });
    },
    clear(code, subject) {
      if (held.delete(key(code, subject))) log.info({ code, subject }, "over");
    },
    list: () => [...held.values()],
  };
}
