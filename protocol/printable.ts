/**
 * Text that somebody else chose, fit for a terminal, a log line or a sentence: control and format characters (line ends,
 * escapes, marks that turn the direction of writing) and halves of a character become `?`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "?");
}
