import { CaliberError, type Disposition } from "../../protocol/errors.js";

export type LoansErrorCode =
  /** The node did not answer, or with a fault of its own; the next round asks again from the same place. */
  | "LOANS_RPC"
  /** The node serves another chain than the one that is indexed. */
  | "LOANS_CHAIN_WRONG"
  /** The node's newest block is older than one that was read before: it lags, or started again from an older state. */
  | "LOANS_NODE_BEHIND"
  /** The chain changed while it was read; nothing was kept of that reading. */
  | "LOANS_REORG_DURING_READ"
  /** A log that was not asked for, or two that claim one place. */
  | "LOANS_LOG_REFUSED"
  /** The node keeps back a log that it gave before, of a block that is still on its chain. */
  | "LOANS_LOG_WITHHELD"
  /** A known event whose data do not decode. */
  | "LOANS_LOG_UNREADABLE"
  /** The index is not whole, or too old to decide by. */
  | "LOANS_NOT_CURRENT";

const retryable: ReadonlySet<LoansErrorCode> = new Set([
  "LOANS_RPC",
  "LOANS_NODE_BEHIND",
  "LOANS_REORG_DURING_READ",
  "LOANS_LOG_WITHHELD",
  "LOANS_NOT_CURRENT",
]);

export function loansError(
  code: LoansErrorCode,
  message: string,
  options: { cause?: unknown } = {},
): CaliberError<LoansErrorCode> {
  const disposition: Disposition = retryable.has(code) ? "retryable" : "internal";
  return new CaliberError(code, message, { ...options, disposition });
}
