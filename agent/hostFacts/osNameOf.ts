import { tellingText } from "./tellingText.js";

/** PRETTY_NAME of an os-release(5) file, its quotes and escapes undone as a shell would; null where there is none. */
export function osNameOf(osRelease: string | null): string | null {
  // The last assignment counts, as in a shell.
  const value = osRelease
    ?.split("\n")
    .findLast((line) => line.startsWith("PRETTY_NAME="))
    ?.slice("PRETTY_NAME=".length)
    .trim();
  if (value === undefined) return null;
  const single = /^'([^']*)'$/.exec(value);
  if (single !== null) return tellingText(single[1]);
  const double = /^"((?:[^"\\]|\\.)*)"$/.exec(value);
  return tellingText((double?.[1] ?? value).replace(/\\(.)/g, "$1"));
}
