import type { Mutator } from "./mutator.js";

const base64 = /"([A-Za-z0-9+/_=-]{16,})"/g;

/** A text with one of the matches of `pattern` (global) replaced; the text itself where nothing matches. */
function replaceOne(
  text: string,
  pattern: RegExp,
  pick: Mutator["pick"],
  by: (match: string) => string,
): string {
  const matches = [...text.matchAll(pattern)];
  const match = matches[matches.length === 0 ? 0 : pick(matches.length)];
  if (match === undefined) return text;
  const { index } = match;
  return text.slice(0, index) + by(match[0]) + text.slice(index + match[0].length);
}

const inside = (quoted: string, change: (text: string) => string): string =>
  `"${change(quoted.slice(1, -1))}"`;

/**
 * One change to a JSON text that leaves it JSON as a rule: what two readers of one text may take differently, and what a
 * carrier may do to it on the way. `others` lend members.
 */
export function changeJson(text: string, others: readonly string[], { pick }: Mutator): string {
  const other = others[pick(others.length)]!;
  const member = (from: string): string => {
    const members = [...from.matchAll(/"[A-Za-z_]+":("[^"]*"|-?[0-9]+|null|\[[^[\]]*\])/g)];
    return members[members.length === 0 ? 0 : pick(members.length)]?.[0] ?? '"payload":""';
  };
  const changes: (() => string)[] = [
    // Duplicate members: the first and the last one of a name, and names that reach into prototypes.
    () => text.replace("{", () => `{${member(other)},`),
    () => text.replace(/\}([^}]*)$/, (_, rest: string) => `,${member(other)}}${rest}`),
    () => replaceOne(text, /[{,]/g, pick, (at) => `${at}${member(text)},`),
    () => text.replace("{", '{"__proto__":{"payloadType":"a","v":2},"constructor":null,'),
    // Base64 in its variants: the other alphabet, no padding, too much, blanks, bits that nobody reads.
    () => replaceOne(text, base64, pick, (q) => q.replaceAll("+", "-").replaceAll("/", "_")),
    () => replaceOne(text, base64, pick, (q) => q.replaceAll("=", "")),
    () => replaceOne(text, base64, pick, (q) => inside(q, (t) => `${t}${"=".repeat(1 + pick(3))}`)),
    () => replaceOne(text, base64, pick, (q) => inside(q, (t) => cut(t, pick, " "))),
    () => replaceOne(text, base64, pick, (q) => inside(q, (t) => cut(t, pick, "\\n"))),
    () => replaceOne(text, base64, pick, (q) => inside(q, (t) => cut(t, pick, "="))),
    () => replaceOne(text, base64, pick, (q) => inside(q, (t) => lastBits(t, pick))),
    () => replaceOne(text, base64, pick, (q) => inside(q, (t) => t.slice(0, pick(t.length + 1)))),
    // The same character written another way.
    () => replaceOne(text, /[A-Za-z]/g, pick, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
    () => replaceOne(text, /[{}[\]:,]/g, pick, (c) => `${c} \r\n\t`),
    // Numbers that are rounded, and values of another type.
    () =>
      replaceOne(text, /-?[0-9]+/g, pick, (n) => `${n}${["0", ".0", ".4", "e0", "E+1", "e999"][pick(6)]}`),
    () =>
      replaceOne(text, /:-?[0-9]+/g, pick, () => [":-0", ":9007199254740993", ":null", ":1e-400"][pick(4)]!),
    () => replaceOne(text, /"[^"]*"/g, pick, () => ["null", "[]", "{}", "true", '""', "7"][pick(6)]!),
    // A piece in another's place: a signature over other bytes, a payload under another's signature.
    () => replaceOne(text, base64, pick, () => [...other.matchAll(base64)][pick(2)]?.[0] ?? '""'),
    () => replaceOne(text, /"signatures":\[/g, pick, (at) => `${at}{"sig":"${"A".repeat(86)}"},`),
  ];
  return changes[pick(changes.length)]!();
}

function cut(text: string, pick: Mutator["pick"], by: string): string {
  const at = pick(text.length + 1);
  return text.slice(0, at) + by + text.slice(at);
}

/** The last character before the padding, changed: some of its bits may belong to no byte. */
function lastBits(text: string, pick: Mutator["pick"]): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return text.replace(/.(=*)$/, (_, padding: string) => `${alphabet[pick(64)]}${padding}`);
}
