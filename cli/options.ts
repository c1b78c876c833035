import { CaliberError } from "../protocol/errors.js";

/** A whole number from a flag, within bounds. */
export function integerOption(
  name: string,
  text: string | undefined,
  otherwise: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^[0-9]{1,15}$/.test(text) || value < min || value > max) {
    throw new CaliberError("OPTION_INVALID", `--${name} is a whole number from ${min} to ${max}`, {
      disposition: "user",
    });
  }
  return value;
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as 500ms, 60s, 30m, 12h or 7d, in ms, within bounds. */
export function durationOption(
  name: string,
  text: string | undefined,
  otherwise: number,
  bounds: { min_ms?: number; max_ms?: number } = {},
): number {
  if (text === undefined) return otherwise;
  const { min_ms = 0, max_ms = Number.MAX_SAFE_INTEGER } = bounds;
  const match = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) * units[match[2]!]!;
  if (!(value >= min_ms && value <= max_ms)) {
    const from = min_ms === 0 ? "" : `, at least ${min_ms / 1000}s`;
    const to = bounds.max_ms === undefined ? "" : `, at most ${max_ms / 1000}s`;
    throw new CaliberError("OPTION_INVALID", `--${name} is a duration such as 60s, 30m or 12h${from}${to}`, {
      disposition: "user",
    });
  }
  return value;
}

/** One of a few words. */
export function choiceOption<T extends string>(
  name: string,
  text: string | undefined,
  otherwise: T,
  choices: readonly T[],
): T {
  const value = (text ?? otherwise) as T;
  if (!choices.includes(value)) {
    throw new CaliberError("OPTION_INVALID", `--${name} is one of ${choices.join(", ")}`, {
      disposition: "user",
    });
  }
  return value;
}

/** A flag that must be given. */
export function requiredOption(name: string, text: string | undefined): string {
  if (text === undefined || text === "") {
    throw new CaliberError("OPTION_MISSING", `--${name} is needed`, { disposition: "user" });
  }
  return text;
}
