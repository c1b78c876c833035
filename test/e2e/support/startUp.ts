import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DeviceView } from "../../../registry/api/deviceView.js";
import type { FeedItem } from "../../../registry/events/eventFeed.js";
import { until } from "../../support/until.js";

export const caliber = fileURLToPath(new URL("../../../dist/cli/caliber.js", import.meta.url));

export type Devices = { at_ms: number; log_size: number; devices: DeviceView[] };
export type Up = {
  started_ms: number;
  notes: string[];
  events: Pick<FeedItem, "id" | "event">[];
  /** How things stood at every line of the output. */
  snapshots: Devices[];
  errors(): string;
  /** Waits for a snapshot of which something is true. */
  untilDevices(what: string, timeout_ms: number, holds: (now: Devices) => boolean): Promise<Devices>;
  signal(name: NodeJS.Signals): void;
  /** Waits for the end, at most `timeout_ms`. */
  ended(
    timeout_ms: number,
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null; after_ms: number }>;
};

/** Runs the built `caliber up --json` and reads what it prints. */
export function startUp(args: string[]): Up {
  const child: ChildProcess = spawn(process.execPath, [caliber, "up", "--json", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const started_ms = Date.now();
  const up: Pick<Up, "notes" | "events" | "snapshots"> = { notes: [], events: [], snapshots: [] };
  let errors = "";
  let signalled = performance.now();
  let end: { code: number | null; signal: NodeJS.Signals | null; at: number } | null = null;
  child.stderr!.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.once("exit", (code, signal) => {
    end = { code, signal, at: performance.now() };
  });
  createInterface({ input: child.stdout! }).on("line", (text) => {
    const line = JSON.parse(text) as
      | { type: "note"; text: string }
      | { type: "event"; id: number; event: FeedItem["event"] }
      | ({ type: "devices" } & Devices);
    if (line.type === "note") up.notes.push(line.text);
    else if (line.type === "event") up.events.push({ id: line.id, event: line.event });
    else up.snapshots.push(line);
  });
  return {
    ...up,
    started_ms,
    errors: () => errors,
    untilDevices: (what, timeout_ms, holds) =>
      until(what, timeout_ms, () => {
        if (end !== null) throw new Error(`caliber up has ended with ${end.code}: ${errors}`);
        const now = up.snapshots.at(-1);
        return now !== undefined && holds(now) ? now : null;
      }),
    signal(name) {
      signalled = performance.now();
      child.kill(name);
    },
    async ended(timeout_ms) {
      const { code, signal, at } = await until("the end of caliber up", timeout_ms, () => end, 5);
      return { code, signal, after_ms: at - signalled };
    },
  };
}
