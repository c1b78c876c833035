import { parseTransaction } from "viem";
import type { SignedTx } from "./intent.js";
import type { IntentCall } from "./intentCall.js";

/** The call in a transaction of our own making: a replacement makes the very same one, whoever has to agree to it. */
export function callOfSigned({ raw }: SignedTx): IntentCall {
  const { to, data } = parseTransaction(raw);
  // The writer deploys nothing, and calls nothing without data.
  return { to: to!, data: data! };
}
