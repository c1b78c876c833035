import { CaliberError, type Disposition } from "../../../protocol/errors.js";

export type DcgmErrorCode =
  | "DCGM_URL_INVALID"
  | "DCGM_UNREACHABLE"
  | "DCGM_TIMEOUT"
  | "DCGM_HTTP_STATUS"
  | "DCGM_TOO_LARGE"
  /** Some lines are no Prometheus text; the others were taken. */
  | "DCGM_TEXT_MALFORMED"
  /** The exporter answered and named no GPU. */
  | "DCGM_NO_GPUS"
  /** The exporter repeats old values. */
  | "DCGM_STALE"
  /** More than all SMs active: read as all. */
  | "DCGM_SM_ACTIVE_ABOVE_ONE"
  /** How large a MIG instance is cannot be told, so the GPU's SM activity cannot either. */
  | "DCGM_MIG_PROFILE_UNKNOWN"
  | "DCGM_FAILED";

export function dcgmError(
  code: DcgmErrorCode,
  message: string,
  options: { cause?: unknown; details?: string; disposition?: Disposition } = {},
): CaliberError<DcgmErrorCode> {
  return new CaliberError(code, message, { disposition: "retryable", ...options });
}
