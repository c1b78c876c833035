import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { http } from "viem";
import { startDevChain } from "../../../cli/up/devChain.js";
import { agentOf, enrolment, type HostPlan, hostDir, simulatedHosts } from "../../../cli/up/hosts.js";
import { readToken } from "../../../cli/up/readToken.js";
import { recipientAddress } from "../../../cli/up/recipientAddress.js";
import { registryPart } from "../../../cli/up/registryPart.js";
import { stablePorts } from "../../../cli/up/stablePorts.js";
import { type Part, type PartOptions, startPart } from "../../../cli/up/startPart.js";
import { untilReady } from "../../../cli/up/untilReady.js";
import { caliberTokenAbi } from "../../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "../../../registry/chain/chainClient.js";
import { createChainReader } from "../../../registry/chain/chainReader.js";
import { loadDeployment } from "../../../registry/chain/deployment.js";
import { createEnrolToken } from "../../../registry/createEnrolToken.js";
import { databasePath } from "../../../registry/databasePath.js";

export type Name = "registry" | "sim-a" | "sim-b";
export const hostNames = ["sim-a", "sim-b"] as const;
const window_ms = 2000;

/** A registry, two hosts and a chain, each a process of the built system that can be killed and started again. */
export async function createWorld(data_dir: string) {
  const logs = join(data_dir, "logs");
  const registry_dir = join(data_dir, "registry");
  mkdirSync(logs, { recursive: true });
  const ports = await stablePorts(join(data_dir, "ports.json"), { mqtt: 0, enrol: 0, api: 0, rpc: 0 }, 0);
  const parts = new Map<Name, Part>();
  const surprises: string[] = [];
  const gpus: Record<(typeof hostNames)[number], number> = { "sim-a": 0, "sim-b": 0 };
  let chainPart: Part | null = null;

  /** Starts a part; one that ends though nobody asked it to is a surprise. */
  const start = (name: Name, options: PartOptions): Part => {
    const part = startPart(options);
    parts.set(name, part);
    part.ended.then(
      (code) => {
        if (parts.get(name) === part)
          surprises.push(
            `${name} ended by itself with ${code}: ${readFileSync(part.log_file, "utf8").slice(-2000)}`,
          );
      },
      (error: unknown) => surprises.push(String(error)),
    );
    return part;
  };
  const chain = await startDevChain({
    dir: join(data_dir, "chain"),
    port: ports.rpc,
    logs,
    start: (part) => {
      chainPart = startPart(part);
      return chainPart;
    },
  });
  const token = readToken(join(data_dir, "api.token"), registry_dir);
  const api_url = `http://127.0.0.1:${ports.api}`;
  const transport = http(chain.rpc_url);
  const deployment = loadDeployment(chain.deployment_file)!;
  const epoch_ms = Date.now();

  const plan = (): HostPlan[] => {
    const hosts = hostNames
      .filter((name) => gpus[name] > 0)
      .map((name) => ({ name, gpus: gpus[name], model: "H200" }));
    const file = join(data_dir, "scenario.json");
    writeFileSync(file, JSON.stringify({ name: "fault", hosts, events: [] }));
    return simulatedHosts(data_dir, file, hosts, epoch_ms);
  };
  const planOf = (name: Name): HostPlan => plan().find(({ label }) => label === name)!;
  const get = async (path: string, timeout_ms = 5000): Promise<Response> => {
    const response = await fetch(new URL(path, api_url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeout_ms),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response;
  };

  return {
    registry_dir,
    database: databasePath(registry_dir),
    host_dirs: hostNames.map((name) => hostDir(data_dir, name)),
    surprises,
    running: (): Name[] => [...parts.keys()],
    enrolled: () => hostNames.filter((name) => gpus[name] > 0),
    get,
    async json<T>(path: string): Promise<T> {
      return (await (await get(path)).json()) as T;
    },
    reader: createChainReader(transport, deployment),
    async total(functionName: "totalMinted" | "totalSupply"): Promise<number> {
      const client = chainClient(transport);
      return Number(
        await client.readContract({ address: deployment.token, abi: caliberTokenAbi, functionName }),
      );
    },
    /** Mints that the registry has begun and not finished. */
    openMints(): number {
      const db = new Database(databasePath(registry_dir), { timeout: 2000 });
      try {
        const sql =
          "SELECT count(*) AS count FROM intent WHERE kind = 'mint' AND state IN ('wanted', 'signed', 'mined')";
        return db.prepare<[], { count: number }>(sql).get()!.count;
      } finally {
        db.close();
      }
    },
    async start(name: Name): Promise<void> {
      if (parts.has(name)) return;
      if (name === "registry")
        start(name, registryPart({ dir: registry_dir, logs, window_ms, ports, chain }));
      else start(name, agentOf(planOf(name), logs, null));
    },
    untilReady: () => untilReady(parts.get("registry")!, 20_000),
    /** kill -9, of that one process alone. */
    async kill(name: Name): Promise<void> {
      const part = parts.get(name)!;
      parts.delete(name);
      process.kill(part.pid, "SIGKILL");
      await part.ended;
    },
    /** SIGTERM; it has ended by itself when this returns. @returns its exit code */
    async stop(name: Name): Promise<number | null> {
      const part = parts.get(name);
      if (part === undefined) return 0;
      parts.delete(name);
      await part.stop(5000);
      return part.ended;
    },
    /** Gives a stopped host more GPUs and enrols them, as its operator would. */
    async grow(name: (typeof hostNames)[number], count: number): Promise<void> {
      gpus[name] = count;
      const enrol_token = createEnrolToken({
        data_dir: registry_dir,
        url: `https://localhost:${ports.enrol}`,
        recipient: recipientAddress(join(data_dir, "recipient.key")),
        operator: name,
        valid_ms: 60_000,
        now_ms: Date.now(),
      });
      const code = await startPart(enrolment(planOf(name), enrol_token, logs)).ended;
      if (code !== 0) throw new Error(`the enrolment of ${name} ended with ${code}`);
    },
    async end(): Promise<void> {
      for (const part of parts.values()) await part.kill();
      parts.clear();
      await chainPart?.stop(2000);
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
