import type { ApiAnswer } from "./routes.js";

/** An answer in JSON; bigints, which money and token ids are, become decimal strings. */
export function jsonAnswer(value: unknown, status = 200): ApiAnswer {
  return {
    status,
    type: "application/json",
    body: `${JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? item.toString() : item))}\n`,
  };
}
