import type { Check } from "./check.js";
import { findings } from "./findings.js";
import type { RunTool } from "./runTool.js";

const unit = "caliber-agent.service";

/** Is the systemd unit installed, enabled and running? */
export function checkService(run: RunTool): Check {
  return {
    id: "service",
    async run() {
      const properties = ["LoadState", "ActiveState", "UnitFileState", "NRestarts"];
      const told = await run("systemctl", ["show", unit, ...properties.map((name) => `--property=${name}`)]);
      const of = (name: string): string =>
        new RegExp(`^${name}=(.*)$`, "m").exec(told?.code === 0 ? told.output : "")?.[1] ?? "";
      const [load, active, enabled, restarts] = properties.map(of);
      if (load === "") {
        return findings.unknown(
          "systemd does not answer here.",
          "If another supervisor runs the agent, see that it restarts it and starts it at boot.",
        );
      }
      if (load === "not-found") {
        return findings.warn(
          `The unit ${unit} is not installed.`,
          "Install packaging/systemd/caliber-agent.service (docs/operator.md), unless another supervisor runs the agent.",
        );
      }
      if (active !== "active") {
        return findings.fail(
          `The unit ${unit} is ${active}.`,
          `Run \`systemctl start ${unit}\`, and look at \`journalctl -u ${unit}\` if it does not stay up.`,
        );
      }
      if (enabled !== "enabled") {
        return findings.warn(
          `The unit ${unit} runs, but will not start at boot (${enabled || "state unknown"}).`,
          `Run \`systemctl enable ${unit}\`.`,
        );
      }
      const again = Number(restarts);
      if (again > 0) {
        return findings.warn(
          `The unit ${unit} runs, and had to be restarted ${again} ${again === 1 ? "time" : "times"}.`,
          `Look for why in \`journalctl -u ${unit}\`.`,
        );
      }
      return findings.ok(`The unit ${unit} runs, and starts at boot.`);
    },
  };
}
