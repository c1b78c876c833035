import { fork } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { agentOf, enrolment, simulatedHosts } from "../../cli/up/hosts.js";
import { startPart } from "../../cli/up/startPart.js";
import { fakeGpu, fakeUuid } from "../nvml/fakeGpu.js";
import { createFakeHost } from "../nvml/fakeHost.js";
import { startExporter } from "./exporterStandIn.js";
import { rssMib } from "./procStat.js";
import type { ProbeOrder, ProbeResult } from "./sourceProbe.js";
import { startBenchRegistry } from "./startBenchRegistry.js";

/**
 * What reading eight GPUs costs. Each source alone, in a process of its own, for a minute at its usual pace: CPU time of
 * that process a GPU-sample (for the kernel's log: a fault told), and child processes. Then the whole agent with all
 * sources on (NVML, DCGM, the kernel's log), reporting over mTLS to a registry in this process: its resident memory over
 * ten minutes. NVML and DCGM are stand-ins: their calls cost nothing themselves, so the figures are ours alone.
 */
const gpus = 8;
const probe_ms = 60_000;
const minute_ms = 60_000;
const run_ms = 10 * minute_ms;
/** Resident memory is a sawtooth, some minutes a tooth: each end of the growth is a median over this long on either side. */
const around_ms = 60_000;
const xidEvery_ms = 1000;

const bench = await startBenchRegistry();
const fake = createFakeHost();
fake.write({ gpus: Array.from({ length: gpus }, (_, n) => fakeGpu(n)) });
const exporter = await startExporter(Array.from({ length: gpus }, (_, n) => fakeUuid(n)));
const kernelLog = join(bench.dir, "kern.log");
writeFileSync(kernelLog, "");
let told = 0;
const kernel = setInterval(() => {
  const bus = String(fakeGpu(told++ % gpus).bus).slice(4, -2);
  appendFileSync(
    kernelLog,
    `[${told}.000000] NVRM: Xid (PCI:${bus}): 13, pid=1, name=x, Graphics Exception\n`,
  );
}, xidEvery_ms);

const hosts = [{ name: "bench", gpus, model: "H100 80GB HBM3" }];
const scenario = join(bench.dir, "scenario.json");
writeFileSync(scenario, JSON.stringify({ name: "bench", hosts, events: [] }));
const [simulated] = simulatedHosts(bench.dir, scenario, hosts, Date.now());
const host = { ...simulated!, simulated: false };
const throughNvml = ["--source", "nvml", "--nvml", fake.library];
const enrol = enrolment(host, bench.createToken(), bench.dir);
const enrolled = await startPart({ ...enrol, args: [...enrol.args, ...throughNvml] }).ended;
if (enrolled !== 0) throw new Error(`the enrolment ended with code ${enrolled}`);
const plan = agentOf(host, bench.dir, null);
const allSources = [...throughNvml, "--dcgm", exporter.url, "--kernel-log", kernelLog];
const agent = startPart({ ...plan, args: [...plan.args, ...allSources] });
try {
  const memory = watchMemory(agent.pid);
  const probes = {
    nvidia_smi: await probe({ source: "nvidia-smi", at: host.nvidia_smi, duration_ms: probe_ms }),
    nvml: await probe({ source: "nvml", at: fake.library, duration_ms: probe_ms }),
    dcgm: await probe({ source: "dcgm", at: exporter.url, duration_ms: probe_ms }),
    kernel_log: await probe({ source: "kernel-log", at: kernelLog, duration_ms: probe_ms }),
  };
  const { peak_mib, growth_mib } = await memory;
  const { kept, refused } = bench.registry.counts();
  // A report a minute and GPU, at least: an agent that has nothing to say needs no memory.
  if (kept < (run_ms / minute_ms) * gpus || refused > 0) throw new Error(`kept ${kept}, refused ${refused}`);
  const metrics = {
    nvml_cpu_percent: round(percent(probes.nvml)),
    nvidia_smi_cpu_percent: round(percent(probes.nvidia_smi)),
    nvml_cpu_ms_per_sample: perSample(probes.nvml),
    nvidia_smi_cpu_ms_per_sample: perSample(probes.nvidia_smi),
    dcgm_cpu_ms_per_sample: perSample(probes.dcgm),
    kernel_log_cpu_ms_per_sample: perSample(probes.kernel_log),
    nvml_children_per_minute: perMinute(probes.nvml),
    nvidia_smi_children_per_minute: perMinute(probes.nvidia_smi),
    rss_mib: round(peak_mib),
    rss_growth_mib: round(growth_mib),
    gpus,
    reports: kept,
  };
  process.stdout.write(`${JSON.stringify({ bench: "sources", metrics })}\n`);
} finally {
  clearInterval(kernel);
  await agent.stop(3_000);
  exporter.stop();
  await bench.stop();
  fake.remove();
}

async function probe(order: ProbeOrder): Promise<ProbeResult> {
  const child = fork(fileURLToPath(new URL("./sourceProbe.js", import.meta.url)));
  const ended = once(child, "exit");
  child.send(order);
  const answered = once(child, "message") as Promise<[ProbeResult]>;
  const first = await Promise.race([answered, ended.then(() => null)]);
  if (first === null) throw new Error(`the probe of ${order.source} ended early`);
  await ended;
  const [result] = first;
  if (result.samples === 0) throw new Error(`${order.source} gave no sample`);
  return result;
}

/** Highest resident memory, and how much more there is of it at minute ten than at minute two. */
async function watchMemory(pid: number): Promise<{ peak_mib: number; growth_mib: number }> {
  const begin_ms = performance.now();
  const seen: { at_ms: number; mib: number }[] = [];
  while (performance.now() - begin_ms < run_ms + around_ms) {
    seen.push({ at_ms: performance.now() - begin_ms, mib: rssMib(pid) });
    await sleep(1000);
  }
  const at = (ms: number): number => {
    const near = seen.filter(({ at_ms }) => Math.abs(at_ms - ms) <= around_ms).map(({ mib }) => mib);
    return near.sort((a, b) => a - b)[Math.floor(near.length / 2)]!;
  };
  return {
    peak_mib: Math.max(...seen.map(({ mib }) => mib)),
    growth_mib: at(run_ms) - at(2 * minute_ms),
  };
}

function percent({ cpu_ms, duration_ms }: ProbeResult): number {
  return (cpu_ms * 100) / duration_ms;
}

function perSample({ cpu_ms, samples }: ProbeResult): number {
  return Number((cpu_ms / samples).toFixed(4));
}

function perMinute({ children, duration_ms }: ProbeResult): number {
  return round((children * minute_ms) / duration_ms);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
