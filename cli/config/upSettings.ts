import type { SettingTable } from "./setting.js";

/** Section `up`, which is one command. */
export const upSettings = {
  "data-dir": { kind: "text", commands: [], says: "where keys, log and chain are kept (`.data/up`)" },
  scenario: {
    kind: "text",
    commands: [],
    says: "file of what the simulated hosts go through (`fixtures/scenarios/default.json`)",
  },
  simulate: { kind: "boolean", commands: [], says: "simulated hosts also where there are GPUs (`false`)" },
  duration: { kind: "text", commands: [], says: "end by itself after this time (never)" },
  window: { kind: "text", commands: [], says: "reporting window (`10s`)" },
  "mqtt-port": { kind: "integer", commands: [], says: "MQTT over TLS (any free port, kept over restarts)" },
  "enrol-port": { kind: "integer", commands: [], says: "enrolment over HTTPS (as above)" },
  "api-port": { kind: "integer", commands: [], says: "read API over HTTP (as above)" },
  "rpc-port": { kind: "integer", commands: [], says: "development chain (as above)" },
} as const satisfies SettingTable;
