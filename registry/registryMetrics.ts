import { healthStates } from "../protocol/health/healthState.js";
import type { Metric } from "./api/metrics.js";
import { type ChainStatus, chainMetrics } from "./chain/chainStatus.js";
import type { DeviceFold } from "./health/deviceFold.js";

/** What `/metrics` tells. No label has more values than there are states. */
export function registryMetrics(now: {
  devices: Iterable<DeviceFold>;
  ingest: { kept: number; duplicates: number; refused: number };
  logSize: number;
  connections: number;
  chain: ChainStatus | null;
  loans: { fault: { code: string } | null; head: { number: number; read_ms: number } | null } | null;
}): Metric[] {
  const states = new Map<string, number>(Object.keys(healthStates).map((state) => [state, 0]));
  let tokens = 0;
  for (const fold of now.devices) {
    states.set(fold.state, states.get(fold.state)! + 1);
    if (fold.token !== null) tokens += 1;
  }
  const counter = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: "counter",
    samples: [{ value }],
  });
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: "gauge",
    samples: [{ value }],
  });
  return [
    {
      name: "caliber_devices",
      help: "Enrolled devices by health state.",
      type: "gauge",
      samples: [...states].map(([state, value]) => ({ labels: { state }, value })),
    },
    gauge("caliber_tokens", "Devices that have a token.", tokens),
    gauge("caliber_log_entries", "Entries in the evidence log.", now.logSize),
    gauge("caliber_broker_connections", "Open MQTT connections.", now.connections),
    counter("caliber_reports_kept_total", "Reports kept since start.", now.ingest.kept),
    counter(
      "caliber_reports_duplicate_total",
      "Reports that were on record already, since start.",
      now.ingest.duplicates,
    ),
    counter("caliber_reports_refused_total", "Reports refused since start.", now.ingest.refused),
    ...(now.chain === null ? [] : chainMetrics(now.chain)),
    ...(now.loans === null
      ? []
      : [
          gauge("caliber_loans_up", "1 when the loan index can read on.", now.loans.fault === null ? 1 : 0),
          gauge(
            "caliber_loans_head_block",
            "Newest block that the loan index read.",
            now.loans.head?.number ?? 0,
          ),
        ]),
  ];
}
