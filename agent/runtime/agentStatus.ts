import type { SpoolDepth } from "../spool/spool.js";
import type { DeviceStatus } from "./createAgentCore.js";

/** What the running agent says of itself every few seconds, as `status.json`. Times are Unix ms. */
export type AgentStatus = {
  v: 1;
  pid: number;
  agent: string;
  host: string;
  simulated: boolean;
  updated_ms: number;
  started_ms: number;
  connected: boolean;
  mqtt_url: string;
  in_flight: number;
  spool: SpoolDepth;
  certificate_expires_ms: number;
  devices: DeviceStatus[];
};
