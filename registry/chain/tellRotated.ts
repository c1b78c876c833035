import type { WriterContext } from "./writerContext.js";

const code = "KEY_ROTATED";

/**
 * Tells of each title whose device has rotated its key, for as long as the chain names the old one. Its health is posted on,
 * since that goes by the token; it is not amended.
 */
export function tellRotated({ view, problems }: Pick<WriterContext, "view" | "problems">): void {
  const rotated = view.tokenHealth().filter(({ device, key }) => device !== key);
  const subjects = new Set(rotated.map(({ device }) => device));
  for (const problem of problems.list()) {
    if (problem.code === code && !subjects.has(problem.subject)) problems.clear(code, problem.subject);
  }
  for (const { device, key, token_id } of rotated) {
    problems.set(code, device, `token ${token_id} names key ${key}, which has been rotated`);
  }
}
