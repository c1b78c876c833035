import type { DeviceView } from "../../registry/api/deviceView.js";

const usage = {
  from_ms: 0,
  to_ms: 1000,
  wall_ms: 1000,
  proven_ms: 1000,
  late_ms: 0,
  absent_ms: 0,
  gap_ms: 0,
  paused_ms: 0,
  unexplained_ms: 0,
  uptime_permille: 1000,
  util_permille: 1000,
  power_mw: 700_000,
};

/** Simulated devices as the API tells them, each with the longest that every column can hold in practice. */
export function deviceViews(count: number): DeviceView[] {
  return Array.from({ length: count }, (_, i) => ({
    device: i.toString(16).padStart(64, "0"),
    subject: `did:erc721:31337:0x${"0".repeat(40)}:${i + 1}`,
    simulated: true,
    declared: {
      host: `h-${"0".repeat(32)}`,
      label: "sim-a",
      uuid: "GPU-00000000-0000-0000-0000-000000000000",
      model: "NVIDIA H100 80GB HBM3",
      serial: null,
    },
    reported: {
      seq: 1,
      statement: "0".repeat(64),
      window_end_ms: 1000,
      received_ms: 1000,
      presence: "present" as const,
      util_permille: 1000,
      sm_activity_permille: null,
      power_mw: 700_000,
      temp_mc: 60_000,
      fb_used_mib: 1,
    },
    derived: {
      state: "impaired" as const,
      cause: "row_remap_failure" as const,
      since_ms: 0,
      evidence: "0".repeat(64),
      last_verified_ms: 0,
      enrolled_ms: 0,
      head_seq: 1,
      missing_reports: 0,
      pause: null,
      implausible: [],
      last_xid: null,
      usage: { "1h": usage, "24h": usage, "7d": usage, "30d": usage },
    },
    assurance: { key: "software" as const, identity: "declared" as const, presence_at_ms: null },
    token: { chain_id: 31337, contract: `0x${"0".repeat(40)}`, token_id: String(i + 1), tx: "0x" },
  }));
}
