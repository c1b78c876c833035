import type { AgentStatus } from "../runtime/agentStatus.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** The agent writes its status every 5 s: older than this it hangs or was killed. */
const stale_ms = 20_000;
/** Receipts come within a window or two while there is a connection. */
const waiting = 1000;

/** Does the agent run on this data directory, and do its reports arrive? `read` gives null when none runs. */
export function checkAgent(read: () => AgentStatus | null, now_ms: number): Check {
  return {
    id: "agent",
    run() {
      const status = read();
      if (status === null) {
        return findings.fail(
          "No agent runs on this data directory.",
          "Start it: `systemctl start caliber-agent`.",
        );
      }
      const silent_ms = now_ms - status.updated_ms;
      if (silent_ms > stale_ms) {
        return findings.fail(
          `The agent (process ${status.pid}) has told nothing of itself for ${Math.round(silent_ms / 1000)} s.`,
          "Restart it, and look into its log for why.",
        );
      }
      if (!status.connected) {
        return findings.fail(
          `The agent runs, but has no connection; ${status.spool.waiting} reports wait.`,
          "Look at what is said of broker and certificate here; the agent tries again by itself.",
        );
      }
      const shut = status.devices.filter(({ open }) => !open);
      if (shut.length > 0) {
        return findings.warn(
          `The agent signs nothing yet for ${shut.length} of ${status.devices.length} GPUs: it waits for the registry or for a reading.`,
          "If it lasts longer than a minute, send the agent's log to the lender.",
        );
      }
      if (status.spool.waiting > waiting) {
        return findings.warn(
          `The agent is connected, and ${status.spool.waiting} reports wait for a receipt.`,
          "Wait: it catches up. If the number grows, ask the lender.",
        );
      }
      return findings.ok(`The agent runs and is connected, with ${status.devices.length} GPUs.`);
    },
  };
}
