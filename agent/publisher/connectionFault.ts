/** What a failed connection asks for: another try, a new certificate, or a person's eyes (and another try). */
export type ConnectionFault = { code: string; action: "retry" | "renew" | "loud" };

const passing = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "CONNECTION_CLOSED",
  "REGISTRY_UNREACHABLE",
  "HEAD_TIMEOUT",
]);

const expired = new Set([
  "CERT_HAS_EXPIRED",
  "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
  "ERR_SSL_TLSV1_ALERT_CERTIFICATE_EXPIRED",
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_EXPIRED",
]);

/** Node and OpenSSL name faults by `code`, mqtt.js some of its own by message only. */
export function connectionFault(error: unknown): ConnectionFault {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const name = typeof code === "string" ? code : String(message ?? error);
  if (expired.has(name)) return { code: name, action: "renew" };
  if (passing.has(name) || name === "connack timeout" || name === "Keepalive timeout") {
    return { code: name, action: "retry" };
  }
  return { code: name, action: "loud" };
}
