import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { saveDeployment } from "../../registry/chain/deployment.js";
import type { ReplacementStatus } from "../../registry/replacement/replacementStatus.js";
import { buildSimulator } from "../simulator/buildSimulator.js";
import { simulatorEnv } from "../simulator/simulatorEnv.js";
import { borrower, type LoanWorld, openLoanWorld, operator, registrarKey } from "../support/loanWorld.js";
import { until } from "../support/until.js";
import { runCaliber } from "./support/runCaliber.js";
import { caliber } from "./support/startUp.js";

const directory = mkdtempSync(join(tmpdir(), "caliber-e2e-replace-"));
const at = (name: string): string => join(directory, name);
const data = ["--data-dir", at("registry")];
const children = new Set<ChildProcess>();
let world: LoanWorld;

beforeAll(async () => {
  world = await openLoanWorld({ accepted: ["healthy"], required_assurance: 0, needs_presence: false });
});
afterAll(async () => {
  await Promise.all([...children].map((child) => end(child, "SIGTERM")));
  await world?.close();
  rmSync(directory, { recursive: true, force: true });
});

const end = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill(signal);
  });

/** Its standard output and error, line by line. */
function start(args: string[]): { child: ChildProcess; said: string[] } {
  const child = spawn(process.execPath, [caliber, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  const said: string[] = [];
  for (const input of [child.stdout!, child.stderr!]) {
    createInterface({ input }).on("line", (line) => void said.push(line));
  }
  return { child, said };
}

async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await runCaliber(args, 60_000);
  if (code !== 0) throw new Error(`caliber ${args.join(" ")}: ${code} ${err}`);
  return out;
}
const replace = (act: string, ...args: string[]) =>
  runCaliber(["registry", "replace", act, ...data, ...args]);
async function refused(code: string, act: string, ...args: string[]): Promise<string> {
  const ran = await replace(act, ...args);
  expect(ran).toMatchObject({ code: 64, out: "" });
  expect(ran.err).toContain(`(${code})`);
  return ran.err;
}

function secret(name: string, text: string): string {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
}

type Ports = { mqtt_port: number; enrol_port: number; api_port: number };
async function startRegistry(ports: Ports): Promise<{ child: ChildProcess; ports: Ports }> {
  const chain = ["--rpc-url", world.anvil.url, "--deployment", at("deployment.json")];
  const pace = [
    "--window",
    "2s",
    "--tick",
    "1s",
    "--epoch",
    "30s",
    "--policy",
    "demo",
    "--confirmations",
    "0",
  ];
  const listen = Object.entries(ports).flatMap(([name, port]) => [
    `--${name.replace("_", "-")}`,
    String(port),
  ]);
  const { child, said } = start([
    ...["registry", "run", ...data, ...chain, "--writer-key", secret("writer.key", registrarKey)],
    ...[...pace, "--anchor-every", "15s", "--beacon-every", "5s", ...listen],
  ]);
  const ready = await until("the registry", 20_000, () => said.find((line) => line.includes('"ready"')));
  const { mqtt_port, enrol_port, api_port } = JSON.parse(ready) as Ports;
  return { child, ports: { mqtt_port, enrol_port, api_port } };
}

/** Enrols a host with one simulated GPU. */
async function enrol(name: string, url: string): Promise<string> {
  const hosts = [{ name, gpus: 1, model: "H100 80GB HBM3" }];
  writeFileSync(at(`${name}.json`), JSON.stringify({ name, hosts, events: [] }));
  const to = ["--recipient", borrower.address, "--operator", "test", "--url", url];
  const token = secret(`${name}.token`, await ok("registry", "token", "create", ...data, ...to));
  const env = simulatorEnv({ scenario: at(`${name}.json`), host: name, epoch_ms: Date.now(), seed: name });
  const settings = Object.entries(env).map(([key, value]) => `export ${key}='${value}'\n`);
  const script = `#!/bin/sh\n${settings.join("")}exec '${buildSimulator()}' "$@"\n`;
  writeFileSync(at(`${name}-smi`), script, { mode: 0o755 });
  const options = ["--token-file", token, "--label", name, "--simulated", "--json"];
  const said = await ok("agent", "enroll", ...hostOptions(name), ...options);
  return JSON.parse(said).devices[0].device;
}
const hostOptions = (name: string) => ["--data-dir", at(name), "--nvidia-smi", at(`${name}-smi`)];
const accepting = (token: string): string[] => {
  const { chain_id, token: contract } = world.deployment;
  return ["--accept-contract", `${chain_id}:${contract}`, "--accept-replacement", token];
};
const startAgent = (name: string, ...options: string[]) =>
  start(["agent", "run", ...hostOptions(name), ...options]);

it("a GPU is swapped out by the commands alone, with everything going wrong on the way", async () => {
  saveDeployment(at("deployment.json"), world.deployment);
  await ok("registry", "init", ...data);
  let { child, ports } = await startRegistry({ mqtt_port: 0, enrol_port: 0, api_port: 0 });
  const url = `https://localhost:${ports.enrol_port}`;
  const old = await enrol("old", url);
  const next = await enrol("next", url);
  startAgent("old");
  // Started for another token than the one that it is to stand in for.
  let host = startAgent("next", ...accepting("99"));
  const deviceOf = async () => (await world.titleOf(1n).catch(() => null))?.deviceKeyHash ?? null;
  await until("the old GPU's title", 60_000, async () => (await deviceOf()) === `0x${old}`);

  const token = ["--token", "1"];
  await until("the registry knows of it", 10_000, async () =>
    (await replace("order", ...token, "--device", old)).err.includes("(REPLACEMENT_DONE)"),
  );
  await refused("TOKEN_UNKNOWN", "order", "--token", "5", "--device", next);
  await refused("DEVICE_UNKNOWN", "order", ...token, "--device", "ab".repeat(32));
  await refused("REPLACEMENT_NONE", "status", ...token);
  const ordered = await replace("order", ...token, "--device", next);
  expect(ordered).toMatchObject({ code: 0, err: "" });
  await refused("REPLACEMENT_ORDERED", "order", ...token, "--device", next);
  const status = async (): Promise<ReplacementStatus> =>
    JSON.parse((await replace("status", ...token, "--json")).out);
  const waits = (what: string, most_ms = 30_000) =>
    until(`it waits for ${what}`, most_ms, async () => (await status()).waits_for === what);
  await waits("device");
  await until("the host refuses", 30_000, () =>
    host.said.some((line) => line.includes("TITLE_NOT_ACCEPTED") && line.includes("--accept-replacement 1")),
  );
  expect((await replace("status")).out).toContain("its agent started with --accept-replacement 1");
  await refused("CONSENT_EARLY", "consent", ...token, "--signature", "0x00");

  await end(host.child, "SIGTERM");
  host = startAgent("next", ...accepting("1"));
  await waits("consent");
  await end(child, "SIGKILL");
  const data712 = JSON.parse((await replace("typed-data", ...token)).out);
  const foreign = await operator.signTypedData(data712);
  const why = await refused("CONSENT_NOT_CONSENTERS", "consent", ...token, "--signature", foreign);
  expect(why).toContain(borrower.address);
  const consent = await borrower.signTypedData(data712);
  const given = await replace("consent", ...token, "--signature", consent);
  expect(given).toMatchObject({ code: 0, err: "" });
  expect(given.out).toContain("waits for the chain");

  ({ child, ports } = await startRegistry(ports));
  await until("the new GPU behind the old title", 30_000, async () => (await deviceOf()) === `0x${next}`);
  await until("the order is done", 20_000, async () =>
    (await replace("status", ...token)).err.includes(`it stands for device ${next} (REPLACEMENT_NONE)`),
  );
  await refused("REPLACEMENT_DONE", "order", ...token, "--device", next);
  await refused("DEVICE_UNKNOWN", "order", ...token, "--device", "cd".repeat(32));
  await refused("DEVICE_REPLACED", "order", ...token, "--device", old);
  await until("the new GPU's health under the title", 30_000, async () => (await world.stateOf(1n)) === 1);
  // Nothing was minted beside it, for either GPU.
  expect(await world.titleOf(2n).catch(() => null)).toBeNull();
});
