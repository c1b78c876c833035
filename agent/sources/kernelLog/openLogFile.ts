import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { createLineSplitter } from "../nvidiaSmi/lineSplitter.js";
import type { LogReader } from "./logReader.js";

/** Bytes that one poll reads at most: about as many lines as the other logs hand over. */
const maxBytesPerPoll = 512 * 1024;

/**
 * Follows a log file by its name from its present end on, as `tail -F` does: through rotation by renaming (the old file
 * is read to its end first) and by copying and truncating. Lines count as told when they are read.
 *
 * @throws Error (system) when the file cannot be opened, or is no regular file: to read on at the end of a device or a
 * pipe would hold up the whole agent until somebody writes there
 */
export function openLogFile(path: string, now_ms: () => number): LogReader {
  let fd = openRegular(path);
  let offset = fstatSync(fd).size;
  let onLine: (line: string) => void;
  const newSplitter = () => createLineSplitter((line) => onLine(line));
  let split = newSplitter();
  const buffer = Buffer.allocUnsafe(64 * 1024);

  /** Reads on; true when the end was reached. */
  function readOn(budget: number): boolean {
    if (fstatSync(fd).size < offset) {
      offset = 0;
      split = newSplitter();
    }
    for (let left = budget; left > 0; ) {
      const length = readSync(fd, buffer, 0, Math.min(buffer.length, left), offset);
      if (length === 0) return true;
      offset += length;
      left -= length;
      split(buffer.toString("latin1", 0, length));
    }
    return false;
  }

  /** True when the name now stands for another file; a name that stands for none may soon again. */
  function rotated(): boolean {
    const named = statSync(path, { throwIfNoEntry: false });
    if (named === undefined) return false;
    const open = fstatSync(fd);
    return named.ino !== open.ino || named.dev !== open.dev;
  }

  return {
    poll(to) {
      const at_ms = now_ms();
      onLine = (line) => to(line, at_ms);
      if (!readOn(maxBytesPerPoll)) return true;
      if (!rotated()) return false;
      const next = openRegular(path);
      // Written between the read and the look at the name.
      readOn(maxBytesPerPoll);
      closeSync(fd);
      fd = next;
      offset = 0;
      split = newSplitter();
      return !readOn(maxBytesPerPoll);
    },
    async close() {
      closeSync(fd);
    },
  };
}

function openRegular(path: string): number {
  // To open a pipe waits for its writer, unless told not to.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new Error("it is no regular file");
}
