/**
 * Reads single values as nvidia-smi spells them. Whoever owns the host controls every character, so a value that is
 * not exactly of the expected form, or out of the schema's range, is no value: null. Nothing here throws.
 */

/** Spellings of "no value", without the square brackets that the CSV form puts around them. */
const absent = new Set([
  "",
  "n/a",
  "none",
  "gpu is lost",
  "not supported",
  "not available",
  "not found",
  "unknown error",
  "unknown",
  "err!",
  "error",
  "insufficient permissions",
  "requested functionality has been deprecated",
  "function not found",
  "gpu requires reset",
  "no data",
]);

const unbracketed = (text: string) =>
  text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1).trim() : text;

/** The trimmed value, or null for every spelling of "no value". `None` counts as one. */
export function givenOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const bare = unbracketed(text.trim());
  return absent.has(bare.toLowerCase()) ? null : bare;
}

/** True when the driver says in this value's place that the GPU has fallen off the bus. */
export function saysLost(text: string | undefined): boolean {
  return text !== undefined && unbracketed(text.trim()).toLowerCase() === "gpu is lost";
}

/** Printable ASCII of at most `limit` characters; anything else is null (cut-off text could pass for another value). */
export function textOf(text: string | undefined, limit: number): string | null {
  const value = givenOf(text);
  return value !== null && value.length <= limit && /^[\x20-\x7e]+$/.test(value) ? value : null;
}

/** A board's serial or part number. Cards without one print zeros, with a part number's dashes: a placeholder. */
export function serialOf(text: string | undefined): string | null {
  const serial = textOf(text, 64);
  return serial !== null && /^[0-]+$/.test(serial) ? null : serial;
}

const decimal = /^(-?)(\d{1,15})(?:\.(\d{1,9}))? ?(?:[A-Za-z%]{1,7}(?:\/s)?)?$/;

/**
 * A decimal with an optional unit (`68.57 W`, `12 %`, `16x`), times `scale` (a power of ten), as an integer between
 * `minimum` and `maximum`; null otherwise. Digits finer than the scale are cut. Done on digits, so nothing is rounded.
 */
export function scaledOf(
  text: string | undefined,
  scale: 1 | 10 | 1000,
  minimum: number,
  maximum: number,
): number | null {
  const match = decimal.exec(givenOf(text) ?? "");
  if (match === null) return null;
  const digits = String(scale).length - 1;
  const whole = `${match[2]}${(match[3] ?? "").padEnd(digits, "0").slice(0, digits)}`;
  // "-0.4" at scale 1 must be 0, never -0: JSON and Object.is tell them apart.
  const value = Number(`${match[1]}${whole}`) + 0;
  return Number.isSafeInteger(value) && value >= minimum && value <= maximum ? value : null;
}

/** A count of things: digits alone. */
export function countOf(text: string | undefined): number | null {
  const value = givenOf(text);
  if (value === null || !/^\d{1,16}$/.test(value)) return null;
  const count = Number(value);
  return Number.isSafeInteger(count) ? count : null;
}

/** `Enabled`/`Yes`/`Active` is true, `Disabled`/`No`/`Not Active` false, all else null. */
export function flagOf(text: string | undefined): boolean | null {
  switch (givenOf(text)?.toLowerCase()) {
    case "enabled":
    case "yes":
    case "active":
      return true;
    case "disabled":
    case "no":
    case "not active":
      return false;
    default:
      return null;
  }
}

/** Lower-cased `GPU-8-4-4-4-12`; null for anything else, so that it can never be a path, a topic or another GPU. */
export function uuidOf(text: string | undefined): string | null {
  const value = givenOf(text)?.toLowerCase() ?? "";
  return /^gpu-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value) ? `GPU${value.slice(3)}` : null;
}

/** One spelling for one PCI address: `0000:0A:00.0` and `00000000:0a:00.0` both give `00000000:0a:00.0`. */
export function busIdOf(text: string | undefined): string | null {
  const match = /^([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/.exec(givenOf(text)?.toLowerCase() ?? "");
  return match === null ? null : `${match[1]!.padStart(8, "0")}:${match[2]}`;
}

/** NVIDIA's own words as lower_snake_case, at most `limit` characters. Here `None` is a value. */
export function wordsOf(text: string | undefined, limit: number): string | null {
  const raw = text?.trim().toLowerCase();
  if (raw === "none") return raw;
  const value = givenOf(text)?.toLowerCase();
  if (value === undefined || !/^[a-z0-9][a-z0-9 _-]*$/.test(value)) return null;
  const words = value.replace(/[ _-]+/g, "_");
  return words.length <= limit ? words : null;
}
