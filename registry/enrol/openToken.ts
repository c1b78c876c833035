import { CaliberError } from "../../protocol/errors.js";
import type { EnrolStore, TokenRecord } from "./enrolStore.js";

/**
 * The token on record under this hash, if it is good.
 *
 * @throws CaliberError TOKEN_UNKNOWN, TOKEN_SPENT, TOKEN_EXPIRED
 */
export function openToken(store: EnrolStore, tokenHash: string, at_ms: number): TokenRecord {
  const token = store.findToken(tokenHash);
  if (token === null) throw new CaliberError("TOKEN_UNKNOWN", "no such enrolment token");
  if (token.used_ms !== null) throw new CaliberError("TOKEN_SPENT", "the enrolment token was used before");
  if (at_ms >= token.expires_ms) throw new CaliberError("TOKEN_EXPIRED", "the enrolment token has expired");
  return token;
}
