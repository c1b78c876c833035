import type { DeviceView } from "../registry/api/deviceView.js";

const columns = [
  "HOST",
  "GPU",
  "MODEL",
  "STATE",
  "UTIL",
  "24H",
  "UPTIME",
  "TOKEN",
  "KEY/IDENTITY",
  "VERIFIED",
] as const;

/** A table of devices as lines of text: one row a device, numbers right-aligned, a dash for what is not known. */
export function deviceTable(devices: readonly DeviceView[], now_ms: number): string[] {
  const rows = devices.map((device) => row(device, now_ms));
  const widths = columns.map((title, i) => Math.max(title.length, ...rows.map((cells) => cells[i]!.length)));
  const numeric = new Set([4, 5, 6, 7, 9]);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(columns), ...rows.map(line)];
}

function row(
  { device, declared, simulated, reported, derived, assurance, token }: DeviceView,
  now_ms: number,
): string[] {
  const usage = derived.usage["24h"];
  return [
    `${declared.label}${simulated ? " (sim)" : ""}`,
    device.slice(0, 8),
    declared.model ?? "-",
    derived.cause === "none" ? derived.state : `${derived.state}: ${derived.cause}`,
    percent(
      reported?.presence === "present" ? (reported.sm_activity_permille ?? reported.util_permille) : null,
    ),
    percent(usage.util_permille),
    percent(usage.uptime_permille),
    token === null ? "-" : `#${token.token_id}`,
    `${assurance.key}/${assurance.identity}`,
    derived.last_verified_ms === null ? "never" : age(now_ms - derived.last_verified_ms),
  ];
}

function percent(permille: number | null): string {
  return permille === null ? "-" : `${(permille / 10).toFixed(1)}%`;
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)}m ago` : `${Math.round(seconds / 3600)}h ago`;
}
