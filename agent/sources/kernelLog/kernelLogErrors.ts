import { CaliberError } from "../../../protocol/errors.js";

export type KernelLogErrorCode =
  /** No log can be read: the details say what was tried and what to do. */
  | "KERNEL_LOG_UNREADABLE"
  /** A log that was read ended or failed; it is opened again. */
  | "KERNEL_LOG_FAILED"
  /** The kernel overwrote records before they were read: a fault among them is not told. */
  | "KERNEL_LOG_RECORDS_LOST";

export function kernelLogError(
  code: KernelLogErrorCode,
  message: string,
  options: { cause?: unknown; details?: string } = {},
): CaliberError<KernelLogErrorCode> {
  return new CaliberError(code, message, { disposition: "retryable", ...options });
}
