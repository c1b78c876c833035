import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { agentOf, enrolment, simulatedHosts } from "../../cli/up/hosts.js";
import { startPart } from "../../cli/up/startPart.js";
import { cpuSeconds, rssMib } from "./procStat.js";
import { startBenchRegistry } from "./startBenchRegistry.js";

/**
 * What the agent costs its host: eight simulated GPUs read at 1 Hz for two minutes in windows of 60 s, reported over
 * mTLS to a registry in this process. The figures are the agent process's own, as the kernel counts them; nvidia-smi
 * is a child of its own, as it is on a real host.
 */
const duration_ms = 120_000;
const warmup_ms = 10_000;
const gpus = 8;
const hosts = [{ name: "bench", gpus, model: "H100 80GB HBM3" }];

const { registry, dir, createToken, stop } = await startBenchRegistry();
const scenario = join(dir, "scenario.json");
writeFileSync(scenario, JSON.stringify({ name: "bench", hosts, events: [] }));
const [host] = simulatedHosts(dir, scenario, hosts, Date.now());
const enrolled = await startPart(enrolment(host!, createToken(), dir)).ended;
if (enrolled !== 0) throw new Error(`the enrolment ended with code ${enrolled}`);
const agent = startPart(agentOf(host!, dir, null));
try {
  await sleep(warmup_ms);
  const before = registry.counts().kept;
  if (before < gpus) throw new Error(`the agent is not reporting: ${before} reports after ${warmup_ms} ms`);
  const [from_ms, from_s] = [performance.now(), cpuSeconds(agent.pid)];
  let peakRss = 0;
  while (performance.now() - from_ms < duration_ms) {
    peakRss = Math.max(peakRss, rssMib(agent.pid));
    await sleep(1_000);
  }
  const cpu_percent = ((cpuSeconds(agent.pid) - from_s) * 100_000) / (performance.now() - from_ms);
  const reports = registry.counts().kept - before;
  // Two windows end within two minutes: without them the agent did nothing that is worth measuring.
  if (reports < gpus) throw new Error(`only ${reports} reports came in`);
  const metrics = { cpu_percent: round(cpu_percent), rss_mib: round(peakRss), gpus, reports };
  process.stdout.write(`${JSON.stringify({ bench: "agent", metrics })}\n`);
} finally {
  await agent.stop(3_000);
  await stop();
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
