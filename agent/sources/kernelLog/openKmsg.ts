import { closeSync, constants, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type LogReader, maxLinesPerPoll } from "./logReader.js";
import { type KmsgRecord, parseKmsgRecord } from "./parseKmsgRecord.js";

/** A record with its dictionary is at most 8 KiB (kernel: CONSOLE_EXT_LOG_MAX). */
const recordBytes = 16_384;
/** No ring holds more; a kernel that prints faster than this is read must not hold up the start for ever. */
const maxHistory = 400_000;

/** Gives the next record's length; throws EAGAIN where there is none, EPIPE where some were overwritten. */
export type ReadRecord = (buffer: Buffer) => number;

export type KmsgOptions = {
  path: string;
  now_ms: () => number;
  /** Lines that were in the ring when it was opened: told before, by whoever ran then. */
  onHistory: (line: string) => void;
  /** That many records were overwritten before they were read. */
  onLost: (records: number) => void;
  /** Stands in for the device in tests. */
  read?: ReadRecord;
};

/**
 * Opens /dev/kmsg and reads past what it holds. Records keep the printk clock, which drifts from wall time, so the newest
 * record of a poll is taken to be from now and the others as much older as the kernel says.
 *
 * @throws Error (system) when the device cannot be opened: EPERM under kernel.dmesg_restrict without CAP_SYSLOG
 */
export async function openKmsg(options: KmsgOptions): Promise<LogReader> {
  const { now_ms, onHistory, onLost } = options;
  const fd =
    options.read === undefined ? openSync(options.path, constants.O_RDONLY | constants.O_NONBLOCK) : null;
  const read = options.read ?? ((buffer) => readSync(fd!, buffer, 0, buffer.length, null));
  const buffer = Buffer.allocUnsafe(recordBytes);
  let lastSeq: number | null = null;

  /** Up to `limit` records; `drained` when there were no more. */
  function take(limit: number, onRecord: (record: KmsgRecord) => void): { drained: boolean } {
    for (let taken = 0; taken < limit; taken++) {
      let length: number;
      try {
        length = read(buffer);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN") return { drained: true };
        // Some records were overwritten; the next one tells by its number how many.
        if (code === "EPIPE" || code === "EINTR") continue;
        throw error;
      }
      if (length === 0) return { drained: true };
      const raw = buffer.toString("latin1", 0, length);
      const seq = Number(/^\d{1,6},(\d{1,15}),/.exec(raw)?.[1] ?? Number.NaN);
      if (lastSeq !== null && seq > lastSeq + 1) onLost(seq - lastSeq - 1);
      if (Number.isSafeInteger(seq)) lastSeq = seq;
      const record = parseKmsgRecord(raw);
      if (record !== null) onRecord(record);
    }
    return { drained: false };
  }

  const history = (record: KmsgRecord) => {
    for (const line of record.text.split("\n")) onHistory(line);
  };
  const close = () => {
    if (fd !== null) closeSync(fd);
  };
  try {
    for (let read = 0; read < maxHistory; read += maxLinesPerPoll) {
      if (take(maxLinesPerPoll, history).drained) break;
      await setImmediate();
    }
  } catch (error) {
    close();
    throw error;
  }

  return {
    poll(onLine) {
      const records: KmsgRecord[] = [];
      let newest_us = 0;
      const { drained } = take(maxLinesPerPoll, (record) => {
        newest_us = Math.max(newest_us, record.at_us);
        if (record.text.includes("NVRM: ")) records.push(record);
      });
      const read_ms = now_ms();
      for (const { at_us, text } of records) {
        const at_ms = Math.max(0, read_ms - Math.floor((newest_us - at_us) / 1000));
        for (const line of text.split("\n")) onLine(line, at_ms);
      }
      return !drained;
    },
    async close() {
      close();
    },
  };
}
