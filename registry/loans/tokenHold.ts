import type { Address } from "viem";
import type { LoanRecord } from "./loanRecord.js";

/**
 * What a loan's hash does to one token: it lies in the timelock (`staged`), was taken by the timelock's target and not
 * originated here (`taken`), secures a loan (`pledged`), or went to the liquidator (`liquidated`). `free` afterwards, and
 * for a token that was never in it.
 */
export type TokenHold = "staged" | "taken" | "pledged" | "liquidated" | "free";

export function tokenHold(record: LoanRecord, token: Address, token_id: bigint): TokenHold {
  const names = (list: { token: Address; token_ids: bigint[] }): boolean =>
    list.token === token && list.token_ids.includes(token_id);
  // Anything can be staged under any hash, also under that of a loan that runs on other collateral.
  if (record.stagings.some((staging) => staging.state === "staged" && names(staging))) return "staged";
  if (!record.collateral.some(names)) return "free";
  switch (record.phase) {
    case "active":
    case "breached":
      return "pledged";
    case "liquidated":
      return "liquidated";
    case "staged":
    case "taken":
      return record.stagings.some((staging) => staging.state === "withdrawn" && names(staging))
        ? "taken"
        : "free";
    default:
      return "free";
  }
}
