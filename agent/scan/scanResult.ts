import type {
  HostFacts,
  Implausibility,
  InventoryBody,
  SourceName,
  TelemetryBody,
  XidEvent,
} from "../../protocol/report/schema.js";
import type { FastReading, HealthReading } from "../sources/telemetrySource.js";

/** One GPU as `caliber agent scan` shows it. What this reading cannot tell is null. */
export type ScannedGpu = {
  uuid: string | null;
  bus_id: string | null;
  /** Body of the inventory report that the agent would sign. */
  inventory: InventoryBody | null;
  /** Body of the telemetry report that the agent would sign over the time of the scan. */
  telemetry: TelemetryBody | null;
  /** Readings that DCGM alone gave, when it was read alone. */
  dcgm: Partial<FastReading & HealthReading> | null;
  xids: XidEvent[];
  /** Of inventory and telemetry. */
  implausible: Implausibility[];
};

export const scanOrigins = ["live", "nvidia-smi-xml", "nvidia-smi-csv", "dcgm", "kernel-log"] as const;

/** What a scan read: the form of `caliber agent scan --json`. Members may be added; none changes its meaning within one `v`. */
export type ScanResult = {
  v: 1;
  agent: string;
  at_ms: number;
  /** Where it was read: on this machine, or in a file of that form. */
  from: (typeof scanOrigins)[number];
  /** Where the readings came from first; null for a file that is no source of its own. */
  source: SourceName | null;
  /** This machine; null for a file, which may be another's. */
  host: HostFacts | null;
  gpus: ScannedGpu[];
  problems: { code: string; message: string; details: string | null }[];
};
