import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityFile } from "../../agent/enrol/identityFile.js";
import type { Scenario } from "../../test/simulator/scenario.js";
import { simulatorEnv } from "../../test/simulator/simulatorEnv.js";
import { flags } from "./flags.js";
import { paths } from "./paths.js";
import type { PartOptions } from "./startPart.js";

/** One host of `caliber up`: this machine, or a simulated one. */
export type HostPlan = {
  label: string;
  dir: string;
  /** Path of the nvidia-smi that its agent calls. */
  nvidia_smi: string;
  simulated: boolean;
  /** Null: as many as it has. */
  gpus: number | null;
};

/**
 * What keeps the agent small: it holds little and never for long, works a few milliseconds a second, and so has no use
 * for threads that collect and compile beside it, nor for the optimizing compiler, which costs more than it saves here.
 */
const smallHeap = [
  "--max-semi-space-size=1",
  "--optimize-for-size",
  "--max-old-space-size=48",
  "--v8-pool-size=1",
  "--no-opt",
];

export function realHost(data_dir: string): HostPlan {
  return {
    label: "this-machine",
    dir: hostDir(data_dir, "this-machine"),
    nvidia_smi: "nvidia-smi",
    simulated: false,
    gpus: null,
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
  hosts: Scenario["hosts"],
  epoch_ms: number,
): HostPlan[] {
  const seed = stableSeed(join(data_dir, "simulator.seed"));
  return hosts.map(({ name: label, gpus }) => {
    const dir = hostDir(data_dir, label);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const env = simulatorEnv({ scenario: scenario_file, host: label, epoch_ms, seed });
    const nvidia_smi = join(dir, "nvidia-smi");
    const settings = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
    const script = `#!/bin/sh\n${settings.join("")}exec ${quote(process.execPath)} ${quote(paths.simulator)} "$@"\n`;
    writeFileSync(nvidia_smi, script, { mode: 0o755 });
    return { label, dir, nvidia_smi, simulated: true, gpus };
  });
}

export function hostDir(data_dir: string, label: string): string {
  return join(data_dir, "hosts", label);
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** True when every GPU that a host has is enrolled; `gpus` null leaves their number to the host. */
export function isEnrolled(host: HostPlan): boolean {
  const file = identityFile(host.dir);
  return file.exists() && file.load().devices.length >= (host.gpus ?? 1);
}

/** Tells an enrolled host where its registry has moved, as its operator would: the ports of the last start are gone. */
export function pointHost(host: HostPlan, urls: { mqtt_url: string; enrol_url: string }): void {
  const file = identityFile(host.dir);
  if (!file.exists()) return;
  const identity = file.load();
  if (identity.mqtt_url === urls.mqtt_url && identity.enrol_url === urls.enrol_url) return;
  file.save({ ...identity, ...urls });
}

/** The agent's own enrolment command, with a single-use token. */
export function enrolment(host: HostPlan, token: string, logs: string): PartOptions {
  mkdirSync(host.dir, { recursive: true, mode: 0o700 });
  const tokenFile = join(host.dir, "enrol.token");
  writeFileSync(tokenFile, token, { mode: 0o600 });
  return {
    name: `enrolment of ${host.label}`,
    command: process.execPath,
    args: [
      paths.caliber,
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
  };
}

/** The agent's own command. A `title_contract` is one that the operator of the host accepts, `<chain id>:<address>`. */
export function agentOf(host: HostPlan, logs: string, title_contract: string | null): PartOptions {
  return {
    name: host.label,
    command: process.execPath,
    args: [
      ...smallHeap,
      paths.caliber,
      "agent",
      "run",
      "--exit-with-parent",
      ...flags({ "data-dir": host.dir, "nvidia-smi": host.nvidia_smi }),
      ...(title_contract === null ? [] : flags({ "accept-contract": title_contract })),
    ],
    log_file: join(logs, `${host.label}.log`),
  };
}

function stableSeed(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString("hex"), { flag: "wx" });
  return readFileSync(file, "utf8").trim();
}
