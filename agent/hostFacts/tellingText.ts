/** What board makers leave in firmware where a name or number should stand, in lower case. */
const placeholders = new Set([
  "to be filled by o.e.m.",
  "to be filled by oem",
  "o.e.m.",
  "oem",
  "default string",
  "default",
  "not specified",
  "not applicable",
  "not available",
  "not present",
  "n/a",
  "na",
  "none",
  "null",
  "empty",
  "unknown",
  "undefined",
  "invalid",
  "system manufacturer",
  "system product name",
  "system serial number",
  "system version",
  "base board serial number",
  "chassis serial number",
  "serial number",
  "asset tag",
  "0123456789",
  "123456789",
  "1234567890",
  "1234567",
  "12345678",
]);

/** One character over and over (`0000000`, `.......`, `FFFFFFFF`) says nothing either; so does no letter and no digit. */
const hollow = /^(.)\1*$|^[^A-Za-z0-9]*$/;

const maxLength = 128;

/**
 * A value that a host's firmware or files hold: printable ASCII of at most 128 characters, trimmed. Null where it says
 * nothing, or is anything else: the host's owner controls it, and cut-off text could pass for another value.
 */
export function tellingText(raw: string | null | undefined): string | null {
  const text = raw?.trim() ?? "";
  if (text.length > maxLength || !/^[\x20-\x7e]+$/.test(text)) return null;
  return hollow.test(text) || placeholders.has(text.toLowerCase()) ? null : text;
}
