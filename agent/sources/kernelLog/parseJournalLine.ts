/** One entry of `journalctl --output=json`: the message, and when the journal got it. Null when it is none. */
export function parseJournalLine(line: string): { text: string; at_ms: number | null } | null {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    // A torn line is no entry; there is nothing in it that could be told.
    return null;
  }
  if (typeof entry !== "object" || entry === null) return null;
  const { MESSAGE, __REALTIME_TIMESTAMP } = entry as Record<string, unknown>;
  const text = Array.isArray(MESSAGE)
    ? // Bytes that are no UTF-8 come as a list of numbers.
      Buffer.from(MESSAGE.slice(0, 8192).map(Number)).toString("latin1")
    : MESSAGE;
  if (typeof text !== "string") return null;
  const at_us = String(__REALTIME_TIMESTAMP ?? "");
  return { text, at_ms: /^\d{13,17}$/.test(at_us) ? Math.floor(Number(at_us) / 1000) : null };
}
