import type { DeviceView } from "../../registry/api/deviceView.js";
import type { FeedItem } from "../../registry/events/eventFeed.js";
import type { Io } from "../io.js";
import { eventLine } from "./eventLine.js";
import { summary } from "./summary.js";
import { type ScreenSize, tableDisplay } from "./tableDisplay.js";

export type Snapshot = { devices: DeviceView[]; log_size: number; now_ms: number };

/** How `caliber up` shows what goes on: a live table on a terminal, lines of text elsewhere, JSON lines when asked. */
export type Display = {
  note(text: string): void;
  /** How things stand now, and the events since the last time. */
  show(snapshot: Snapshot, events: readonly FeedItem[]): void;
};

const lineEvery_ms = 10_000;

export function createDisplay(io: Io, mode: "table" | "lines" | "json", size: () => ScreenSize): Display {
  if (mode === "json") return jsonDisplay(io);
  return mode === "table" ? tableDisplay(io, size) : lineDisplay(io);
}

function jsonDisplay(io: Io): Display {
  const line = (value: object): void => io.out(`${JSON.stringify(value)}\n`);
  return {
    note: (text) => line({ type: "note", text }),
    show({ devices, log_size, now_ms }, events) {
      for (const { id, event } of events) line({ type: "event", id, event });
      line({ type: "devices", at_ms: now_ms, log_size, devices });
    },
  };
}

function lineDisplay(io: Io): Display {
  let last_ms = 0;
  return {
    note: (text) => io.out(`${text}\n`),
    show(snapshot, events) {
      for (const { event } of events) io.out(`${eventLine(event, snapshot.devices)}\n`);
      if (snapshot.now_ms - last_ms < lineEvery_ms) return;
      last_ms = snapshot.now_ms;
      io.out(`${summary(snapshot)}\n`);
    },
  };
}
