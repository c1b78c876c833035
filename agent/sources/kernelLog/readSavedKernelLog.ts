import type { XidEvent } from "../../../protocol/report/schema.js";
import { classifyXid } from "../../../protocol/xid/classifyXid.js";
import type { GpuName } from "../supplement.js";
import { createFaultReader } from "./createFaultReader.js";
import { lineTime } from "./lineTime.js";
import { parseJournalLine } from "./parseJournalLine.js";
import { parseKmsgRecord } from "./parseKmsgRecord.js";

export type SavedFault = {
  gpu: GpuName;
  /** One telling; `first_ms` and `last_ms` are `read_ms` where `dated` is false. */
  event: XidEvent;
  /** True when the line itself says when it was. */
  dated: boolean;
};

/** The lines of one saved line: a kmsg record and a journal entry may hold several. */
function linesOf(line: string): { text: string; at_ms: number | null }[] {
  const record = parseKmsgRecord(line);
  const entry = line.startsWith("{") ? parseJournalLine(line) : null;
  const text = record?.text ?? entry?.text ?? line;
  const at_ms = entry?.at_ms ?? lineTime(line);
  return text.split("\n").map((part) => ({ text: part, at_ms }));
}

/** Without an array of all lines: a log of weeks has millions. */
function* eachLine(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf("\n", at);
    const end = feed === -1 ? text.length : feed;
    yield text.slice(at, text[end - 1] === "\r" ? end - 1 : end);
    at = end + 1;
  }
}

/**
 * Every fault that a saved log tells, in its order, each telling by itself: text of dmesg or syslog, /dev/kmsg records, or
 * `journalctl --output=json`. Lines that tell none, or are damaged, are passed over. `read_ms` is when it was read.
 */
export function* readSavedKernelLog(text: string, read_ms: number): Generator<SavedFault> {
  const readFault = createFaultReader();
  for (const saved of eachLine(text)) {
    // A flood of lines that cannot matter must not be parsed as JSON.
    if (!saved.includes("NVRM: ")) continue;
    for (const line of linesOf(saved)) {
      const fault = readFault(line.text);
      if (fault === null) continue;
      const { gpu, xid, detail } = fault;
      const at_ms = line.at_ms ?? read_ms;
      const times = { first_ms: at_ms, last_ms: at_ms, count: 1 };
      const event: XidEvent = { xid, ...times, source: "kernel-log", detail, ...classifyXid(xid, detail) };
      yield { gpu, event, dated: line.at_ms !== null };
    }
  }
}
