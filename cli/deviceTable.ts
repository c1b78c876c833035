import { printable } from "../protocol/printable.js";
import type { DeviceView } from "../registry/api/deviceView.js";

type Column = { title: string; cell: (device: DeviceView, now_ms: number) => string; right?: boolean };

const host: Column = { title: "HOST", cell: (device) => labelOf(device) };
const gpu: Column = { title: "GPU", cell: ({ device }) => device.slice(0, 8) };
const model: Column = {
  title: "MODEL",
  cell: ({ declared }) => clip((declared.model ?? "-").replace(/^NVIDIA /, ""), 24),
};
const state: Column = { title: "STATE", cell: ({ derived }) => derived.state };
const stateAndCause: Column = {
  title: "STATE",
  cell: ({ derived }) => (derived.cause === "none" ? derived.state : `${derived.state}: ${derived.cause}`),
};
const now: Column = {
  title: "UTIL",
  cell: ({ reported }) =>
    percent(
      reported?.presence === "present" ? (reported.sm_activity_permille ?? reported.util_permille) : null,
      0,
    ),
  right: true,
};
const day: Column = {
  title: "24H",
  cell: ({ derived }) => percent(derived.usage["24h"].util_permille, 0),
  right: true,
};
const uptime: Column = {
  title: "UPTIME",
  cell: ({ derived }) => percent(derived.usage["24h"].uptime_permille, 1),
  right: true,
};
const token: Column = { title: "TOKEN", cell: (device) => tokenOf(device), right: true };
const assurance: Column = {
  title: "KEY/IDENTITY",
  cell: ({ assurance: { key, identity } }) => `${key}/${identity}`,
};
const verified: Column = {
  title: "AGE",
  cell: ({ derived }, now_ms) =>
    derived.last_verified_ms === null ? "never" : age(now_ms - derived.last_verified_ms),
  right: true,
};

/** From all that is known to what must be seen, for narrower and narrower terminals. */
const layouts: readonly (readonly Column[])[] = [
  [host, gpu, model, stateAndCause, now, day, uptime, token, assurance, verified],
  [host, gpu, model, state, now, day, uptime, token, assurance, verified],
  [host, gpu, model, stateAndCause, now, day, uptime, token, verified],
  [host, gpu, stateAndCause, now, day, uptime, token, verified],
  [host, gpu, state, now, day, uptime, token, verified],
];

/**
 * A table of devices as lines of text: one row a device, numbers right-aligned, a dash for what is not known. Columns
 * are left out where `width` does not hold them all; the narrowest layout may still be wider.
 */
export function deviceTable(
  devices: readonly DeviceView[],
  now_ms: number,
  width = Number.POSITIVE_INFINITY,
): string[] {
  for (const layout of layouts.slice(0, -1)) {
    const lines = render(layout, devices, now_ms);
    if (lines.every((line) => line.length <= width)) return lines;
  }
  return render(layouts.at(-1)!, devices, now_ms);
}

/** A host's name for people, and whether it is simulated. */
export function labelOf({ declared, simulated }: DeviceView): string {
  return `${clip(declared.label, 20)}${simulated ? " (sim)" : ""}`;
}

export function tokenOf(device: DeviceView): string {
  return device.token === null ? "-" : `#${device.token.token_id}`;
}

function render(columns: readonly Column[], devices: readonly DeviceView[], now_ms: number): string[] {
  const rows = [
    columns.map(({ title }) => title),
    ...devices.map((device) => columns.map(({ cell }) => cell(device, now_ms))),
  ];
  const widths = columns.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
  return rows.map((cells) =>
    cells
      .map((cell, i) => (columns[i]!.right === true ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

function percent(permille: number | null, digits: number): string {
  return permille === null ? "-" : `${(permille / 10).toFixed(digits)}%`;
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3600)}h`;
}

/** Names are the host's words: an escape in one must not reach a terminal. */
function clip(name: string, length: number): string {
  const text = printable(name);
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
