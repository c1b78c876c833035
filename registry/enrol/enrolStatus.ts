const statuses: Record<string, number> = {
  TOKEN_UNKNOWN: 401,
  NONCE_UNKNOWN: 401,
  NONCE_EXPIRED: 401,
  NONCE_SPENT: 401,
  RENEW_KEY_MISMATCH: 401,
  TPM_ACTIVATION_FAILED: 401,
  HOST_REVOKED: 403,
  TPM_NOT_ACCEPTED: 403,
  TPM_REQUIRED: 403,
  EK_UNTRUSTED: 403,
  EK_CERTIFICATE_UNTRUSTED: 403,
  EK_CERTIFICATE_EXPIRED: 403,
  HOST_UNKNOWN: 404,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TOKEN_SPENT: 409,
  DEVICE_TAKEN: 409,
  RECIPIENT_MISMATCH: 409,
  TOKEN_EXPIRED: 410,
  BODY_TOO_LARGE: 413,
  BUSY: 503,
};

/** HTTP status of a coded refusal; what is not listed is a fault of the request as such. */
export function enrolStatus(code: string): number {
  return statuses[code] ?? 400;
}
