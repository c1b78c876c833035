export type PrometheusSample = {
  name: string;
  labels: ReadonlyMap<string, string>;
  /** As it was written: a decimal, with an exponent or not, `NaN` or `±Inf`. Kept as text since a counter can pass 2^53. */
  value: string;
  /** When the value was taken, Unix ms; null where the line does not say. */
  at_ms: number | null;
};

export type PrometheusText = {
  samples: PrometheusSample[];
  /** Lines that are none of the format's, and the number of the first (from 1). What they hold is told nowhere. */
  badLines: number;
  firstBad: number | null;
};

const namePattern = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const labelPattern = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\["\\n])*)"[ \t]*(,?)/y;
const valuePattern = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)$|^nan$/i;
const timePattern = /^-?\d{1,15}(?:\.\d{1,9})?$/;
/** A line with more is an attack: dcgm-exporter writes some ten labels. */
const maxLineChars = 16_384;

/** Prometheus stamps are ms, OpenMetrics' seconds; nothing in ms is as small as seconds are. */
function timeOf(text: string): number | null {
  const time = Number(text);
  const at_ms = Math.floor(text.includes(".") || Math.abs(time) < 1e11 ? time * 1000 : time);
  return Number.isSafeInteger(at_ms) ? at_ms : null;
}

/** Reads `{a="b",…}` from `at` on. Returns the labels and where they end; null when they are malformed. */
function labelsAt(line: string, at: number): { labels: Map<string, string>; end: number } | null {
  const labels = new Map<string, string>();
  let end = at + 1;
  for (let more = true; ; ) {
    const closing = /[ \t]*\}/y;
    closing.lastIndex = end;
    if (closing.test(line)) return { labels, end: closing.lastIndex };
    labelPattern.lastIndex = end;
    const match: RegExpExecArray | null = more ? labelPattern.exec(line) : null;
    if (match === null || labels.has(match[1]!)) return null;
    labels.set(
      match[1]!,
      match[2]!.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    );
    more = match[3] === ",";
    end = labelPattern.lastIndex;
  }
}

function sampleOf(line: string, wanted: (name: string) => boolean): PrometheusSample | "bad" | null {
  namePattern.lastIndex = 0;
  const name = namePattern.exec(line)?.[0];
  if (name === undefined || line.length > maxLineChars) return "bad";
  if (!wanted(name)) return null;
  let at = name.length;
  while (line[at] === " " || line[at] === "\t") at++;
  const labelled =
    line[at] === "{" ? labelsAt(line, at) : { labels: new Map<string, string>(), end: name.length };
  if (labelled === null) return "bad";
  // An exemplar follows ` # ` and is another sample's.
  const [value, time, ...rest] = line
    .slice(labelled.end)
    .split(" # ", 1)[0]!
    .trim()
    .split(/[ \t]+/);
  const separated = labelled.labels.size > 0 || line[at] === "{" || at > name.length;
  if (!separated || value === undefined || !valuePattern.test(value) || rest.length > 0) return "bad";
  if (time !== undefined && !timePattern.test(time)) return "bad";
  return { name, labels: labelled.labels, value, at_ms: time === undefined ? null : timeOf(time) };
}

/**
 * Reads the Prometheus text format (0.0.4; what OpenMetrics adds is read or passed over). `wanted` picks metrics by name:
 * lines of others are not looked at any further. A malformed line is counted and gives no sample; the good ones around it
 * stand, since each line is a statement of its own. Comments, HELP and TYPE lines carry no value. Never throws.
 */
export function parsePrometheusText(
  text: string,
  wanted: (name: string) => boolean = () => true,
): PrometheusText {
  const samples: PrometheusSample[] = [];
  let badLines = 0;
  let firstBad: number | null = null;
  let number = 0;
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf("\n", at);
    const end = feed === -1 ? text.length : feed;
    const line = text.slice(at, end).trim();
    at = end + 1;
    number++;
    if (line === "# EOF") break;
    if (line === "" || line.startsWith("#")) continue;
    const sample = sampleOf(line, wanted);
    if (sample === "bad") {
      badLines++;
      firstBad ??= number;
    } else if (sample !== null) samples.push(sample);
  }
  return { samples, badLines, firstBad };
}
