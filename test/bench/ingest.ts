import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { registryNodeFlags } from "../../cli/up/registryNodeFlags.js";
import type { LoadResult } from "./ingestLoad.js";
import type { ServerReady, ServerResult } from "./ingestServer.js";

/**
 * Durable, verified reports per second through broker and registry in one process: 50 mTLS connections, one device
 * each, about 1 kB a report, load from a second process. `ratio_to_verify` holds that against the rate at which one
 * core of the same machine does nothing but check such signatures, measured in the same run.
 */
const connections = 50;
/** As many as an agent has. */
const inFlight = 32;
const throughput_ms = 10_000;
const latency_ms = 6_000;

// The pool's size is read when a process starts: broker, parsing and SQLite have one core, signatures the others.
const pool = String(Math.max(1, availableParallelism() - 1));
const server = start("./ingestServer.js", { UV_THREADPOOL_SIZE: pool }, registryNodeFlags);
const load = start("./ingestLoad.js", {}, []);
const ended = Promise.all([once(server, "exit"), once(load, "exit")]);
server.send({ connections });
const ready = await answer<ServerReady>(server);
load.send({ tokens: ready.tokens, inFlight, throughput_ms, latency_ms });
const result = await answer<LoadResult>(load);
server.send("stop");
const totals = await answer<ServerResult>(server);
await ended;
if (totals.refused > 0 || totals.kept < result.acknowledged) {
  throw new Error(`acknowledged ${result.acknowledged}, kept ${totals.kept}, refused ${totals.refused}`);
}
// Before and after: a machine that is shared changes its pace within a minute.
const verify_per_s = (ready.verify_per_s + totals.verify_per_s) / 2;
const metrics = {
  ratio_to_verify: round(result.reports_per_s / verify_per_s, 3),
  reports_per_s: Math.round(result.reports_per_s),
  verify_per_s: Math.round(verify_per_s),
  receipt_p50_ms: round(result.receipt_p50_ms, 1),
  receipt_p99_ms: round(result.receipt_p99_ms, 1),
  payload_bytes: result.payload_bytes,
};
process.stdout.write(`${JSON.stringify({ bench: "ingest", metrics })}\n`);

function start(file: string, env: Record<string, string>, execArgv: string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = fork(path, { execArgv, env: { ...process.env, ...env } });
  child.once("exit", (code) => {
    if (code !== 0) {
      process.stderr.write(`${file} ended with code ${code}\n`);
      process.exit(1);
    }
  });
  return child;
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, "message")) as [T];
  return message;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
