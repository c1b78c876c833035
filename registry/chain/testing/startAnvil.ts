import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

// The platform package's own binary: the .bin wrapper would leave it behind when killed.
const binary = fileURLToPath(
  new URL("../../../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url),
);

export type Anvil = {
  url: string;
  port: number;
  rpc(method: string, params?: unknown[]): Promise<unknown>;
  /** SIGKILL, as a crash would be. */
  kill(): Promise<void>;
  /** SIGTERM, upon which `--state` is written. */
  stop(): Promise<void>;
};

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  server.close();
  await once(server, "close");
  return address.port;
}

/** A development chain on a port of its own; it mines on demand unless told otherwise. */
export async function startAnvil(args: string[] = [], port?: number): Promise<Anvil> {
  const at = port ?? (await freePort());
  const child = spawn(binary, ["--port", String(at), "--silent", ...args], { stdio: "ignore" });
  const url = `http://127.0.0.1:${at}`;
  const anvil: Anvil = {
    url,
    port: at,
    rpc: (method, params = []) => call(url, method, params),
    kill: () => end(child, "SIGKILL"),
    stop: () => end(child, "SIGTERM"),
  };
  for (let left = 100; ; left -= 1) {
    try {
      await anvil.rpc("eth_chainId");
      return anvil;
    } catch (error) {
      if (left === 0 || child.exitCode !== null) throw error;
      await sleep(100);
    }
  }
}

async function call(url: string, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}
