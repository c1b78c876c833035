import type { DeviceView } from "../../registry/api/deviceView.js";
import type { FeedItem } from "../../registry/events/eventFeed.js";
import { deviceTable } from "../deviceTable.js";
import type { Io } from "../io.js";

export type Snapshot = { devices: DeviceView[]; log_size: number; now_ms: number };

/** How `caliber up` shows what goes on: a live table on a terminal, lines of text elsewhere, JSON lines when asked. */
export type Display = {
  note(text: string): void;
  snapshot(snapshot: Snapshot): void;
  events(items: readonly FeedItem[]): void;
};

const shownEvents = 8;
const lineEvery_ms = 10_000;

export function createDisplay(io: Io, mode: "table" | "lines" | "json"): Display {
  if (mode === "json") return jsonDisplay(io);
  return mode === "table" ? tableDisplay(io) : lineDisplay(io);
}

function jsonDisplay(io: Io): Display {
  const line = (value: object): void => io.out(`${JSON.stringify(value)}\n`);
  return {
    note: (text) => line({ type: "note", text }),
    snapshot: ({ devices, log_size, now_ms }) => line({ type: "devices", at_ms: now_ms, log_size, devices }),
    events(items) {
      for (const { id, event } of items) line({ type: "event", id, event });
    },
  };
}

function lineDisplay(io: Io): Display {
  let last_ms = 0;
  return {
    note: (text) => io.out(`${text}\n`),
    snapshot(snapshot) {
      if (snapshot.now_ms - last_ms < lineEvery_ms) return;
      last_ms = snapshot.now_ms;
      io.out(`${summary(snapshot)}\n`);
    },
    events(items) {
      for (const item of items) io.out(`${eventLine(item)}\n`);
    },
  };
}

function tableDisplay(io: Io): Display {
  const notes: string[] = [];
  const recent: string[] = [];
  return {
    note(text) {
      notes.push(text);
      if (notes.length > 4) notes.shift();
      io.out(`${text}\n`);
    },
    snapshot(snapshot) {
      const lines = [
        ...notes,
        "",
        summary(snapshot),
        "",
        ...deviceTable(snapshot.devices, snapshot.now_ms),
        "",
        "last health events",
        ...(recent.length === 0 ? ["  none yet"] : recent.map((line) => `  ${line}`)),
      ];
      // Home, each line cleared to its end, then all below: nothing flickers.
      io.out(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    },
    events(items) {
      recent.push(...items.map(eventLine));
      recent.splice(0, Math.max(0, recent.length - shownEvents));
    },
  };
}

function summary({ devices, log_size }: Snapshot): string {
  const states = new Map<string, number>();
  for (const { derived } of devices) states.set(derived.state, (states.get(derived.state) ?? 0) + 1);
  const tokens = devices.filter(({ token }) => token !== null).length;
  const simulated = devices.some((device) => device.simulated) ? " (simulated)" : "";
  const told = [...states].map(([state, count]) => `${count} ${state}`).join(", ");
  return `${devices.length} devices${simulated}, ${tokens} tokens, ${log_size} log entries: ${told || "waiting for the first reports"}`;
}

function eventLine({ event }: FeedItem): string {
  const time = event.time.slice(11, 19);
  const { data } = event;
  const who = `${data.device.slice(0, 8)}${data.simulated ? " (sim)" : ""}`;
  if ("current" in data)
    return `${time}  ${who}  ${data.previous} -> ${data.current}  ${data.cause}  ${event.subject}`;
  return `${time}  ${who}  finding ${data.code}: ${data.text}`;
}
