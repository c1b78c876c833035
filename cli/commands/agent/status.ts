import { parseArgs } from "node:util";
import type { AgentStatus } from "../../../agent/runtime/agentStatus.js";
import { statusFile } from "../../../agent/runtime/statusFile.js";
import { CaliberError } from "../../../protocol/errors.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { requiredOption } from "../../options.js";

const usage = `caliber agent status --data-dir DIR [--json]

Exit code 0: running and connected; ${exitCodes.retry}: running, not connected; ${exitCodes.failed}: not running.
`;

/** The agent writes its status every 5 s: older than this it hangs or was killed. */
const stale_ms = 20_000;

export const options = {
  "data-dir": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export async function run(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options,
  });
  if (values.help === true) {
    io.out(usage);
    return exitCodes.ok;
  }
  const data_dir = requiredOption("data-dir", values["data-dir"]);
  const status = statusFile(data_dir).read();
  const now_ms = Date.now();
  if (now_ms - status.updated_ms > stale_ms) {
    throw new CaliberError("AGENT_NOT_RUNNING", `the agent on ${data_dir} has stopped telling its status`, {
      details: `last told ${ago(status.updated_ms, now_ms)} by process ${status.pid}`,
    });
  }
  io.out(values.json === true ? `${JSON.stringify(status)}\n` : textOf(status, now_ms));
  return status.connected ? exitCodes.ok : exitCodes.retry;
}

function textOf(status: AgentStatus, now_ms: number): string {
  const { host, simulated, connected, mqtt_url, spool, in_flight, certificate_expires_ms } = status;
  const lines = [
    `host         ${host}${simulated ? " (simulated GPUs)" : ""}`,
    `registry     ${mqtt_url}, ${connected ? "connected" : "not connected"}`,
    `spool        ${spool.waiting} reports wait for a receipt, ${in_flight} on their way; ${spool.reports} kept (${Math.ceil(spool.report_bytes / 1024)} KiB)`,
    `certificate  until ${new Date(certificate_expires_ms).toISOString()}`,
    "",
    ...status.devices.map(
      ({ uuid, presence, open, head_seq, last_receipt_ms }) =>
        `${uuid}  ${presence ?? "not read yet"}  ${open ? `report ${head_seq ?? "-"}` : "waits for the registry"}  last receipt ${ago(last_receipt_ms, now_ms)}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function ago(then_ms: number | null, now_ms: number): string {
  return then_ms === null ? "none yet" : `${Math.max(0, Math.round((now_ms - then_ms) / 1000))} s ago`;
}
