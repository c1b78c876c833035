import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CaliberError } from "../../protocol/errors.js";
import { simulatorEnv } from "../../test/simulator/simulatorEnv.js";
import { flags } from "./flags.js";
import { type Part, startPart } from "./startPart.js";

/** One host of `caliber up`: this machine, or a simulated one. */
export type HostPlan = {
  label: string;
  dir: string;
  /** Path of the nvidia-smi that its agent calls. */
  nvidia_smi: string;
  simulated: boolean;
};

export const caliberPath: string = fileURLToPath(new URL("../caliber.js", import.meta.url));
export const simulatorPath: string = fileURLToPath(
  new URL("../../../test/simulator/nvidia-smi", import.meta.url),
);

/** What keeps the agent small: it holds little, and never for long. */
const smallHeap = ["--max-semi-space-size=1", "--optimize-for-size", "--max-old-space-size=48"];

export function realHost(data_dir: string): HostPlan {
  return {
    label: "this-machine",
    dir: join(data_dir, "hosts", "this-machine"),
    nvidia_smi: "nvidia-smi",
    simulated: false,
  };
}

/**
 * The hosts of a scenario. Each gets an executable of its own, which prints what nvidia-smi would: its agent calls it
 * as it would call the real one, and knows no more of the scenario than that. The seed is this data directory's own,
 * so that no two installations claim the same GPUs.
 */
export function simulatedHosts(
  data_dir: string,
  scenario_file: string,
  names: string[],
  epoch_ms: number,
): HostPlan[] {
  const seed = stableSeed(join(data_dir, "simulator.seed"));
  return names.map((label) => {
    const dir = join(data_dir, "hosts", label);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const env = simulatorEnv({ scenario: scenario_file, host: label, epoch_ms, seed });
    const nvidia_smi = join(dir, "nvidia-smi");
    const settings = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
    const script = `#!/bin/sh\n${settings.join("")}exec ${quote(process.execPath)} ${quote(simulatorPath)} "$@"\n`;
    writeFileSync(nvidia_smi, script, { mode: 0o755 });
    return { label, dir, nvidia_smi, simulated: true };
  });
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function isEnrolled(host: HostPlan): boolean {
  return existsSync(join(host.dir, "identity.json"));
}

/** Enrols a host as its operator would: with the agent's own command and a single-use token. */
export async function enrolHost(host: HostPlan, token: string, logs: string): Promise<void> {
  mkdirSync(host.dir, { recursive: true, mode: 0o700 });
  const tokenFile = join(host.dir, "enrol.token");
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const part = startPart({
    name: `enrolment of ${host.label}`,
    command: process.execPath,
    args: [
      caliberPath,
      "agent",
      "enroll",
      ...flags({
        "token-file": tokenFile,
        "data-dir": host.dir,
        label: host.label,
        "nvidia-smi": host.nvidia_smi,
      }),
      ...(host.simulated ? ["--simulated"] : []),
    ],
    log_file: join(logs, `${host.label}.log`),
  });
  const code = await part.ended;
  if (code !== 0) {
    throw new CaliberError("PART_FAILED", `${part.name} ended with code ${code}`, {
      details: `see ${join(logs, `${host.label}.log`)}`,
    });
  }
}

export function startAgent(host: HostPlan, logs: string): Part {
  return startPart({
    name: host.label,
    command: process.execPath,
    args: [
      ...smallHeap,
      caliberPath,
      "agent",
      "run",
      "--exit-with-parent",
      ...flags({ "data-dir": host.dir, "nvidia-smi": host.nvidia_smi }),
    ],
    log_file: join(logs, `${host.label}.log`),
  });
}

function stableSeed(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString("hex"), { flag: "wx" });
  return readFileSync(file, "utf8").trim();
}
