import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CaliberError } from "../../protocol/errors.js";
import { chainClient } from "../../registry/chain/chainClient.js";
import { checkDeployment } from "../../registry/chain/checkDeployment.js";
import { deployContracts } from "../../registry/chain/deployContracts.js";
import { type Deployment, loadDeployment, saveDeployment } from "../../registry/chain/deployment.js";
import { loadWriterKey } from "../../registry/chain/loadWriterKey.js";
import { defaultWriterSettings } from "../../registry/chain/writerSettings.js";
import type { Part, PartOptions } from "./startPart.js";

export type DevChain = {
  rpc_url: string;
  deployment_file: string;
  writer_key_file: string;
  /** `<chain id>:<address>` of CaliberToken: what agents are told to consent to. */
  title_contract: string;
};

/** A thousand ether, for gas on a chain that nobody else uses. */
const writerBalance = `0x${(1000n * 10n ** 18n).toString(16)}`;

/** anvil's own binary: the package's wrapper would leave it behind when killed. */
function anvilPath(): string {
  const name = `@foundry-rs/anvil-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  try {
    return join(createRequire(import.meta.url).resolve(`${name}/package.json`), "..", "bin", "anvil");
  } catch (cause) {
    throw new CaliberError("ANVIL_MISSING", `the development chain needs ${name}, which is not installed`, {
      cause,
      disposition: "user",
    });
  }
}

/**
 * Runs anvil beneath a shell that ends it when standard input ends: anvil itself would outlive a supervisor that is
 * killed. The watcher ends with anvil, so that it never signals a process that got its number later.
 */
const withParent = `
exec 3<&0
"$@" </dev/null & child=$!
{ read -r _ <&3; kill "$child"; } 2>/dev/null & watcher=$!
trap 'kill "$child"' TERM
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
kill "$watcher" 2>/dev/null
exit "$code"`;

/** Starts a development chain on its saved state, with the three contracts deployed and the writer's account funded. */
export async function startDevChain(options: {
  dir: string;
  port: number;
  logs: string;
  start: (part: PartOptions) => Part;
}): Promise<DevChain> {
  const { dir, port, logs, start } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const state_file = join(dir, "anvil-state.json");
  setAsideTornState(state_file);
  const args = ["--host", "127.0.0.1", "--port", String(port), "--block-time", "1", "--hardfork", "osaka"];
  const state = ["--state", state_file, "--state-interval", "5", "--accounts", "1", "--quiet"];
  const part = start({
    name: "chain",
    command: "/bin/sh",
    args: ["-c", withParent, "anvil", anvilPath(), ...args, ...state],
    log_file: join(logs, "chain.log"),
  });
  const rpc_url = `http://127.0.0.1:${port}`;
  const writer_key_file = join(dir, "writer.key");
  const deployment_file = join(dir, "deployment.json");
  await untilAnswers(rpc_url, part);
  const account = privateKeyToAccount(loadWriterKey(writer_key_file));
  await rpc(rpc_url, "anvil_setBalance", [account.address, writerBalance]);
  const { chain_id, token } = await ensureDeployment(rpc_url, account, deployment_file);
  return { rpc_url, deployment_file, writer_key_file, title_contract: `${chain_id}:${token}` };
}

/**
 * anvil writes its state in place, so that a power cut may leave half a file, on which it would never start again. A
 * chain that begins anew costs new tokens on a development chain, and the registry knows how to go on.
 */
function setAsideTornState(state_file: string): void {
  if (!existsSync(state_file)) return;
  try {
    JSON.parse(readFileSync(state_file, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    renameSync(state_file, `${state_file}.torn`);
  }
}

async function ensureDeployment(
  rpc_url: string,
  account: ReturnType<typeof privateKeyToAccount>,
  file: string,
): Promise<Deployment> {
  const transport = http(rpc_url);
  const known = loadDeployment(file);
  if (known !== null && (await isDeployed(transport, known))) return known;
  const deployment = await deployContracts({
    transport,
    deployer: account,
    writer: account.address,
    admin_delay_s: 86_400,
    epoch_s: defaultWriterSettings.epoch_ms / 1000,
  });
  saveDeployment(file, deployment);
  return deployment;
}

async function isDeployed(
  transport: ReturnType<typeof http>,
  deployment: Parameters<typeof checkDeployment>[1],
): Promise<boolean> {
  try {
    await checkDeployment(chainClient(transport), deployment);
    return true;
  } catch (error) {
    // A chain that was started anew has no contracts: they are deployed again.
    if (CaliberError.find(error, "CHAIN_CONTRACTS_MISSING") !== undefined) return false;
    throw error;
  }
}

async function untilAnswers(url: string, part: Part): Promise<void> {
  const gone = part.ended.then((code) => {
    throw new CaliberError("PART_FAILED", `the development chain ended with code ${code}`, {
      details: `see ${part.log_file}`,
    });
  });
  gone.catch(() => undefined);
  for (let tries = 0; tries < 100; tries += 1) {
    const answered = await Promise.race([
      gone,
      rpc(url, "eth_chainId", []).then(
        () => true,
        () => false,
      ),
    ]);
    if (answered) return;
    await sleep(100);
  }
  throw new CaliberError("PART_FAILED", "the development chain does not answer");
}

async function rpc(url: string, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (error !== undefined) throw new CaliberError("RPC_REFUSED", `${method}: ${error.message}`);
  return result;
}
