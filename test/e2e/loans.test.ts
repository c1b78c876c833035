import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { saveDeployment } from "../../registry/chain/deployment.js";
import { loanJson } from "../../registry/loans/loanJson.js";
import { buildSimulator } from "../simulator/buildSimulator.js";
import { simulatorEnv } from "../simulator/simulatorEnv.js";
import { borrower, type LoanWorld, openLoanWorld, principal, registrarKey } from "../support/loanWorld.js";
import { until } from "../support/until.js";
import { runCaliber } from "./support/runCaliber.js";
import { caliber } from "./support/startUp.js";

/** Two GPUs, the second of which is lost for a while: long after both have their titles. */
const scenario = {
  name: "loans",
  hosts: [{ name: "sim-a", gpus: 2, model: "H100 80GB HBM3" }],
  events: [{ at_s: 30, until_s: 42, host: "sim-a", gpu: 1, do: "lose" }],
};

const directory = mkdtempSync(join(tmpdir(), "caliber-e2e-loans-"));
const at = (name: string): string => join(directory, name);
const children: ChildProcess[] = [];
let world: LoanWorld;

beforeAll(async () => {
  // Simulated GPUs have no silicon to show.
  world = await openLoanWorld({ accepted: ["healthy"], required_assurance: 0, needs_presence: false });
});
afterAll(async () => {
  await Promise.all(children.reverse().map(stop));
  await world?.close();
  rmSync(directory, { recursive: true, force: true });
});

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });

function start(args: string[]): ChildProcess {
  const child = spawn(process.execPath, [caliber, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  return child;
}

async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await runCaliber(args, 60_000);
  if (code !== 0) throw new Error(`caliber ${args[0]} ${args[1]}: ${code} ${err}`);
  return out;
}

function secret(name: string, text: string): string {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
}

async function startRegistry() {
  const data = ["--data-dir", at("registry")];
  const { api_token } = JSON.parse(await ok("registry", "init", ...data, "--json")) as { api_token: string };
  saveDeployment(at("deployment.json"), world.deployment);
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
  const loans = ["--loan-router", world.router, "--loan-timelock", world.timelock, "--loan-start", "0"];
  const child = start([
    ...["registry", "run", ...data, ...chain, "--writer-key", secret("writer.key", registrarKey)],
    ...[...pace, "--anchor-every", "15s", "--beacon-every", "5s", ...loans, "--loan-poll", "300ms"],
  ]);
  const { enrol_port, api_port } = await new Promise<{ enrol_port: number; api_port: number }>((resolve) =>
    createInterface({ input: child.stdout! }).once("line", (line) => resolve(JSON.parse(line))),
  );
  const approve = ["registry", "token", "api", ...data, "--name", "originator", "--scope", "approve"];
  secret("approve.token", await ok(...approve));
  return {
    data,
    enrol_url: `https://localhost:${enrol_port}`,
    api_url: `http://127.0.0.1:${api_port}`,
    api_token,
  };
}

async function startHost(data: string[], enrol_url: string): Promise<void> {
  writeFileSync(at("scenario.json"), JSON.stringify(scenario));
  const to = ["--recipient", borrower.address, "--operator", "test", "--url", enrol_url];
  const token = secret("enrol.token", await ok("registry", "token", "create", ...data, ...to));
  const env = simulatorEnv({
    scenario: at("scenario.json"),
    host: "sim-a",
    epoch_ms: Date.now(),
    seed: "loans",
  });
  const settings = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  const script = `#!/bin/sh\n${settings.join("")}exec '${buildSimulator()}' "$@"\n`;
  writeFileSync(at("nvidia-smi"), script, { mode: 0o755 });
  const host = ["--data-dir", at("host"), "--nvidia-smi", at("nvidia-smi")];
  await ok("agent", "enroll", ...host, "--token-file", token, "--label", "rack-1", "--simulated");
  start(["agent", "run", ...host]);
}

it("a loan's life: minted, staged, approved, stopped by a lost GPU, originated, repaid", async () => {
  const { data, enrol_url, api_url, api_token } = await startRegistry();
  await startHost(data, enrol_url);
  // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, held against what is expected of it
  const json = async (path: string): Promise<any> =>
    (await fetch(new URL(path, api_url), { headers: { authorization: `Bearer ${api_token}` } })).json();
  const devices = async (): Promise<DeviceView[]> => (await json("/v1/devices")).devices;
  const loansOf = async (): Promise<{ hold: string; phase: string; loan: string }[]> =>
    (await json("/v1/tokens")).tokens.map(({ loan }: { loan: unknown }) => loan);

  const titled = await until("two titles of GPUs that are well", 60_000, async () => {
    const all = await devices();
    const isReady =
      all.length === 2 && all.every(({ token, derived }) => token && derived.state === "healthy");
    return isReady ? all : null;
  });
  const ids = titled.map(({ token }) => token!.token_id);
  const isHealthyOnChain = async () =>
    (await Promise.all(ids.map((id) => world.stateOf(BigInt(id))))).every((state) => state === 1);
  await until("health on chain", 15_000, async () => ((await isHealthyOnChain()) ? true : null));
  expect(await loansOf()).toEqual([null, null]);

  const terms = await world.terms(ids.map(BigInt));
  writeFileSync(at("terms.json"), JSON.stringify(loanJson(terms)));
  const approve = async () => {
    const how = ["--terms", at("terms.json"), "--api", api_url, "--token-file", at("approve.token")];
    const { code, out } = await runCaliber(["registry", "approve", ...how, "--json"]);
    return { code, answer: JSON.parse(out) };
  };
  const codes = (failures: { code: string; token_id: string | null }[]) =>
    failures.map(({ code, token_id }) => [code, token_id]);

  const early = await approve();
  expect(early.code).toBe(1);
  expect(codes(early.answer.failures)).toEqual([
    ["NOT_STAGED", null],
    ...ids.map((id) => ["NOT_IN_TIMELOCK", id]),
  ]);

  await world.stage(terms);
  const loan = world.hashOf(terms);
  await until("staged by the index", 10_000, async () => {
    const holds = await loansOf();
    return holds.every((each) => each?.loan === loan && each.hold === "staged") ? true : null;
  });
  const approved = await approve();
  expect([approved.code, approved.answer.failures]).toEqual([0, undefined]);
  expect(approved.answer).toMatchObject({ approved: true, loan, threshold: 1 });

  // The GPU is lost between approval and origination.
  await until("the second GPU is lost, here and on chain", 40_000, async () =>
    (await isHealthyOnChain()) ? null : true,
  );
  await expect(world.originate(terms, approved.answer.signature)).rejects.toThrow(/InvalidSignature/);
  const lost = await approve();
  expect(lost.code).toBe(1);
  expect(codes(lost.answer.failures)).toEqual([
    ["HEALTH_REFUSED", ids[1]],
    ["HEALTH_ON_CHAIN_REFUSED", ids[1]],
  ]);

  await until("the second GPU is well again, on chain", 40_000, async () =>
    (await isHealthyOnChain()) ? true : null,
  );
  await world.originate(terms, approved.answer.signature);
  await until("pledged by the index", 10_000, async () =>
    (await loansOf()).every(({ hold, phase }) => hold === "pledged" && phase === "active") ? true : null,
  );
  // The router's own account of the loan is read after its events.
  const active = await until("the loan's state", 10_000, async () => {
    const one = await json(`/v1/loans/${loan}`);
    return one.chain_state === null ? null : one;
  });
  expect(active).toMatchObject({
    phase: "active",
    terms: { collateral_token_ids: ids },
    chain_state: { status: "active" },
  });

  await world.repay(terms, principal);
  await until("free by the index", 10_000, async () =>
    (await loansOf()).every(({ hold, phase }) => hold === "free" && phase === "repaid") ? true : null,
  );
  for (const id of ids) expect(await world.holderOf(BigInt(id))).toBe(borrower.address.toLowerCase());
  expect((await json("/healthz")).checks.loans).toBe("ok");
});
