import { CaliberError } from "../errors.js";
import type { RefusalCode } from "../refusal.js";

/** The part of a chain that one key signs. `last_seq` is that of the report that ended it; null while it is in force. */
export type Tenure = { first_seq: number; last_seq: number | null };

/**
 * A key speaks for its own part of the chain alone: one that was rotated out or retired never comes back, and one that
 * came later can fill no gap of the one before.
 *
 * @throws CaliberError KEY_NOT_IN_FORCE
 */
export function checkTenure(seq: number, { first_seq, last_seq }: Tenure): void {
  if (seq >= first_seq && (last_seq === null || seq <= last_seq)) return;
  const code: RefusalCode = "KEY_NOT_IN_FORCE";
  const why =
    seq < first_seq ? `this key signs from report ${first_seq} on` : `this key ended with report ${last_seq}`;
  throw new CaliberError(code, `report ${seq} is not this key's to sign: ${why}`);
}
