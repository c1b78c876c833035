import { HttpError } from "./httpError.js";

/**
 * A non-negative integer out of a request's text, or `otherwise` where there is none.
 *
 * @throws HttpError 400 QUERY_INVALID when it is anything else, or above `maximum`
 */
export function integerOf(
  name: string,
  text: string | null | undefined,
  otherwise: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number {
  if (text === null || text === undefined) return otherwise;
  const value = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || value > maximum) {
    throw new HttpError(400, "QUERY_INVALID", `${name} is an integer from 0 to ${maximum}`);
  }
  return value;
}
