/** `2025-02-23T16:24:18,123456+00:00`, as syslog and `dmesg --time-format=iso` write it. */
const iso = /^\[?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)/;
/** `[Sun Feb 23 16:24:18 2025]`, as `dmesg --ctime` writes it, in the machine's own time zone. */
const ctime = /^\[?(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2} +\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})\]/;
const last_ms = 253_402_300_799_999;

/**
 * When a saved line says that it was told, in Unix ms; null when it does not say: seconds since boot are no date, and
 * neither is a syslog date without a year.
 */
export function lineTime(line: string): number | null {
  const exact = iso.exec(line);
  const loose = exact === null ? ctime.exec(line) : null;
  const text =
    exact !== null
      ? `${exact[1]}.${(exact[2] ?? "").padEnd(3, "0").slice(0, 3)}${exact[3]!.replace(/(\d\d)(\d\d)$/, "$1:$2")}`
      : loose !== null
        ? `${loose[1]} ${loose[3]} ${loose[2]}`
        : null;
  const at_ms = text === null ? Number.NaN : Date.parse(text);
  return Number.isSafeInteger(at_ms) && at_ms >= 0 && at_ms <= last_ms ? at_ms : null;
}
