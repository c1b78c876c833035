export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * A view's answer for JSON: bigints, which money and token ids are, become decimal strings.
 * @throws TypeError for what JSON has no form for
 */
export function loanJson(value: unknown): Json {
  if (typeof value === "bigint") return String(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map(loanJson);
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, loanJson(part)]));
  }
  throw new TypeError(`no JSON for a ${typeof value}`);
}
