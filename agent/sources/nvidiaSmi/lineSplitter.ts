/** Longer lines are dropped: nothing that the stream is asked for comes near it. */
const maxLineChars = 4096;

/** Cuts a stream of text into lines, holding at most one unfinished line of bounded length. */
export function createLineSplitter(onLine: (line: string) => void): (chunk: string) => void {
  let rest = "";
  let dropping = false;
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!dropping && line.length <= maxLineChars) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      dropping = false;
    }
    if (rest.length > maxLineChars) {
      rest = "";
      dropping = true;
    }
  };
}
