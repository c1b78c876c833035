import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";
import type { AgentStatus } from "./agentStatus.js";

export type StatusFile = {
  write(status: AgentStatus): void;
  /** @throws CaliberError AGENT_NOT_RUNNING */
  read(): AgentStatus;
  remove(): void;
};

/** The status file of a data directory. It is replaced whole; a power cut may lose it, as it is of no use after one. */
export function statusFile(data_dir: string): StatusFile {
  const path = join(data_dir, "status.json");
  return {
    write(status) {
      writeFileSync(`${path}.tmp`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
      renameSync(`${path}.tmp`, path);
    },
    read() {
      try {
        return JSON.parse(readFileSync(path, "utf8")) as AgentStatus;
      } catch (cause) {
        throw new CaliberError("AGENT_NOT_RUNNING", `no agent runs on ${data_dir}`, { cause });
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}
