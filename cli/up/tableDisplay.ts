import { deviceTable } from "../deviceTable.js";
import type { Io } from "../io.js";
import type { Display, Snapshot } from "./display.js";
import { eventLine } from "./eventLine.js";
import { summary } from "./summary.js";

export type ScreenSize = { columns: number; rows: number };

const shownEvents = 8;

/** A table that is drawn anew in place. It never takes more lines or columns than the terminal has. */
export function tableDisplay(io: Io, size: () => ScreenSize): Display {
  const notes: string[] = [];
  const recent: string[] = [];
  let drawn = false;
  return {
    note(text) {
      notes.push(text);
      io.out(`${text}\n`);
    },
    show(snapshot, events) {
      recent.push(...events.map(({ event }) => eventLine(event, snapshot.devices)));
      recent.splice(0, Math.max(0, recent.length - shownEvents));
      const screen = size();
      // What stood on the screen before goes up into the terminal's memory.
      if (!drawn) io.out("\n".repeat(screen.rows));
      drawn = true;
      // Home, each line cleared to its end, then all below: nothing flickers.
      const lines = layOut({ notes, recent, snapshot }, screen);
      io.out(`\x1b[H${lines.map((line) => `${clip(line, screen.columns)}\x1b[K\n`).join("")}\x1b[J`);
    },
  };
}

/** Devices come first; what room is left goes to the events, then to the notes and empty lines. */
function layOut(
  { notes, recent, snapshot }: { notes: string[]; recent: string[]; snapshot: Snapshot },
  { columns, rows }: ScreenSize,
): string[] {
  // The last line holds the cursor.
  let room = rows - 1;
  const take = (lines: string[]): string[] => {
    const taken = lines.slice(0, Math.max(0, room));
    room -= taken.length;
    return taken;
  };
  const head = take([summary(snapshot)]);
  const all = deviceTable(snapshot.devices, snapshot.now_ms, columns);
  const hidden = all.length - room;
  const table = take(
    hidden <= 0 ? all : [...all.slice(0, room - 1), `… ${hidden + 1} more: make the terminal taller`],
  );
  const last = recent.length === 0 ? ["none yet"] : recent.slice(-Math.max(0, room - 1));
  const told = room < 2 ? [] : take(["last health events", ...last.map((line) => `  ${line}`)]);
  const above = room < notes.length ? [] : take(notes);
  const [afterNotes, afterHead, afterTable] = [take([""]), take([""]), take([""])];
  return [
    ...above,
    ...(above.length > 0 ? afterNotes : []),
    ...head,
    ...afterHead,
    ...table,
    ...afterTable,
    ...told,
  ];
}

function clip(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
