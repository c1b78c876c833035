import { CaliberError } from "../errors.js";

export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST";

/** PEM (RFC 7468, strict form) of one DER value. */
export function encodePem(label: PemLabel, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * The one DER value in a PEM text. Text around it, or a second block, is refused.
 *
 * @throws CaliberError PEM_MALFORMED
 */
export function decodePem(label: PemLabel, text: string): Buffer {
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const trimmed = text.trim();
  const body = trimmed.slice(begin.length, trimmed.length - end.length);
  if (
    !trimmed.startsWith(begin) ||
    !trimmed.endsWith(end) ||
    !/^[A-Za-z0-9+/\r\n]+={0,2}[\r\n]*$/.test(body)
  ) {
    throw new CaliberError("PEM_MALFORMED", `not a PEM ${label}`);
  }
  return Buffer.from(body, "base64");
}
