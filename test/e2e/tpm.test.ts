import { type ChildProcess, spawn } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { buildSimulator } from "../simulator/buildSimulator.js";
import { simulatorEnv } from "../simulator/simulatorEnv.js";
import { describeWithTpm, type Swtpm, startSwtpm } from "../support/swtpm.js";
import { until } from "../support/until.js";
import { runCaliber } from "./support/runCaliber.js";
import { caliber } from "./support/startUp.js";

const steady = fileURLToPath(new URL("../../fixtures/scenarios/steady.json", import.meta.url));
const gpus = 8;

/** The binary alone, as an operator and a host would use it, with a TPM in software and simulated GPUs. */
describeWithTpm("a host with its keys in a TPM", () => {
  let directory: string;
  let tpm: Swtpm;
  let children: ChildProcess[];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "caliber-e2e-tpm-"));
    children = [];
    tpm = await startSwtpm();
  });
  afterEach(async () => {
    await Promise.all(children.map(stop));
    await tpm.stop();
    rmSync(directory, { recursive: true });
  });

  const stop = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.kill("SIGTERM");
    });
  const at = (name: string): string => join(directory, name);
  /** An nvidia-smi of eight simulated GPUs: the agent passes no environment on. */
  const simulator = (): string => {
    const env = simulatorEnv({ scenario: steady, host: "sim-a", epoch_ms: Date.now(), seed: "tpm" });
    const settings = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
    writeFileSync(at("nvidia-smi"), `#!/bin/sh\n${settings.join("")}exec '${buildSimulator()}' "$@"\n`, {
      mode: 0o755,
    });
    return at("nvidia-smi");
  };
  const start = (args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [caliber, ...args], { stdio: ["ignore", "pipe", "ignore"] });
    children.push(child);
    return child;
  };
  const ready = (child: ChildProcess): Promise<{ enrol_port: number; api_port: number }> =>
    new Promise((resolve) =>
      createInterface({ input: child.stdout! }).once("line", (line) => resolve(JSON.parse(line))),
    );
  const ok = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await runCaliber(args);
    if (code !== 0) throw new Error(`caliber ${args[0]} ${args[1]}: ${code} ${err}`);
    return out;
  };

  it("enrols, is told apart from software, and reports with signatures that verify", async () => {
    const registry_dir = at("registry");
    const { api_token } = JSON.parse(await ok("registry", "init", "--data-dir", registry_dir, "--json"));
    writeFileSync(at("api.token"), api_token, { mode: 0o600 });
    const registry = ["registry", "run", "--data-dir", registry_dir, "--window", "2s", "--tick", "1s"];
    const ports = await ready(start(registry));

    const ek = createPublicKey(tpm.ekPem("ecc")).export({ format: "der", type: "spki" });
    const hash = createHash("sha256").update(ek).digest("hex");
    const token = async (name: string, ...more: string[]): Promise<string> => {
      const url = `https://localhost:${ports.enrol_port}`;
      const to = ["--recipient", `0x${"11".repeat(20)}`, "--operator", "test", "--url", url];
      writeFileSync(
        at(name),
        await ok("registry", "token", "create", "--data-dir", registry_dir, ...to, ...more),
        {
          mode: 0o600,
        },
      );
      return at(name);
    };
    const nvidia_smi = simulator();
    const enroll = (token_file: string) => {
      const host = ["--data-dir", at("host"), "--token-file", token_file, "--label", "rack-1", "--simulated"];
      const keys = ["--keys", "tpm", "--tpm", tpm.tcti, "--nvidia-smi", nvidia_smi, "--json"];
      return runCaliber(["agent", "enroll", ...host, ...keys], 60_000);
    };
    const unpinned = await enroll(await token("unpinned.token"));
    expect(unpinned.err).toContain("names no endorsement key");
    expect(unpinned.code).not.toBe(0);
    const enrolled = await enroll(await token("pinned.token", "--ek", hash));
    expect(enrolled.err).toBe("");
    expect(JSON.parse(enrolled.out)).toMatchObject({ keys: "tpm", devices: { length: gpus } });
    expect(readdirSync(join(at("host"), "keys")).filter((name) => name.endsWith(".pem"))).toEqual([
      "host.pem",
    ]);

    start(["agent", "run", "--data-dir", at("host"), "--nvidia-smi", nvidia_smi]);
    const api = ["--api", `http://127.0.0.1:${ports.api_port}`, "--token-file", at("api.token")];
    const devices = async (): Promise<DeviceView[]> =>
      JSON.parse(await ok("registry", "devices", ...api, "--json")) as DeviceView[];
    const seen = await until("reports of every device", 60_000, async () => {
      const all = await devices();
      return all.length === gpus && all.every(({ derived }) => (derived.head_seq ?? 0) >= 2) ? all : null;
    });
    expect(seen.map(({ assurance }) => assurance.key)).toEqual(Array(gpus).fill("tpm"));
    expect(await ok("registry", "devices", ...api)).toContain("tpm/declared");
  });
});
