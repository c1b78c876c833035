import { spawn } from "node:child_process";
import { once } from "node:events";
import { systemClock } from "../../agent/runtime/systemClock.js";
import { createDcgm } from "../../agent/sources/dcgm/createDcgm.js";
import { createKernelLog } from "../../agent/sources/kernelLog/createKernelLog.js";
import { createNvidiaSmiSource } from "../../agent/sources/nvidiaSmi/createNvidiaSmiSource.js";
import { createNvmlSource } from "../../agent/sources/nvml/createNvmlSource.js";

/** Which source to read, and through what. */
export type ProbeOrder = {
  source: "nvidia-smi" | "nvml" | "dcgm" | "kernel-log";
  /** Path of the program, the library or the file; address of the exporter. */
  at: string;
  duration_ms: number;
};
export type ProbeResult = {
  /** Readings of one GPU at one instant; for the kernel's log, faults told. */
  samples: number;
  children: number;
  cpu_ms: number;
  duration_ms: number;
};

/** Past loading and compiling: what a source costs for years, not in its first seconds. */
const warmup_ms = 10_000;

const [{ source, at, duration_ms }] = (await once(process, "message")) as [ProbeOrder];
let samples = 0;
let children = 0;
const count = (more: number): void => {
  samples += more;
};
const onProblem = (error: Error): void => {
  throw error;
};
const toSource = {
  onSamples: (round: readonly unknown[]) => count(round.length),
  onInventory: () => undefined,
  onProblem,
};
const toSupplement = {
  onReadings: (readings: readonly unknown[]) => count(readings.length),
  onXid: () => count(1),
  onProblem,
};
const stop = await start();
await sleep(warmup_ms);
const [usedBefore, samplesBefore, childrenBefore, from_ms] = [
  process.cpuUsage(),
  samples,
  children,
  performance.now(),
];
await sleep(duration_ms);
const used = process.cpuUsage(usedBefore);
process.send!({
  samples: samples - samplesBefore,
  children: children - childrenBefore,
  cpu_ms: (used.user + used.system) / 1000,
  duration_ms: performance.now() - from_ms,
} satisfies ProbeResult);
await stop();
process.disconnect();

async function start(): Promise<() => Promise<void>> {
  const clock = systemClock;
  if (source === "nvidia-smi" || source === "nvml") {
    const counted: typeof spawn = ((...args: Parameters<typeof spawn>) => {
      children += 1;
      return spawn(...args);
    }) as typeof spawn;
    const opened =
      source === "nvml"
        ? createNvmlSource({ library: at, clock })
        : createNvidiaSmiSource({ path: at, clock, spawn: counted });
    await opened.start(toSource);
    return () => opened.stop();
  }
  const supplement =
    source === "dcgm"
      ? createDcgm({ url: at, clock })
      : createKernelLog({ source: at as `/${string}`, clock });
  await supplement.start(toSupplement);
  return () => supplement.stop();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
