import { CaliberError } from "../../protocol/errors.js";
import type { GivenSettings } from "./given.js";

/**
 * An error that names a flag, which in truth was not given as one: the same, and where the value stands. Other errors
 * are left as they are.
 */
export function withOrigin(error: unknown, given: GivenSettings): unknown {
  if (!(error instanceof CaliberError)) return error;
  const named = new Set([...error.message.matchAll(/--([a-z][a-z-]*[a-z])/g)].map(([, name]) => name!));
  const origins = [...named].flatMap((name) => {
    const at = given.get(name)?.at;
    return at === undefined ? [] : [`--${name} is from ${at}`];
  });
  if (origins.length === 0) return error;
  const { code, message, details, disposition } = error;
  return new CaliberError(code, message, {
    cause: error,
    details: [...(details === undefined ? [] : [details]), ...origins].join("\n  "),
    disposition,
  });
}
