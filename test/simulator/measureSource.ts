import { fileURLToPath } from "node:url";
import { createNvidiaSmiSource } from "../../agent/sources/nvidiaSmi/createNvidiaSmiSource.js";
import { CaliberError } from "../../protocol/errors.js";

/**
 * Reads the simulator (or, with `path`, any nvidia-smi) at 1 Hz for a while and says what that cost this process alone:
 * its CPU time as a share of one core, and its resident memory at the end. Children are not counted.
 */
export async function measureSource(of: {
  duration_ms: number;
  path?: string;
  env?: Record<string, string>;
}): Promise<{ cpu_percent: number; rss_mib: number; samples: number }> {
  const path = of.path ?? fileURLToPath(new URL("../../../test/simulator/nvidia-smi", import.meta.url));
  let samples = 0;
  let problem: CaliberError | undefined;
  const source = createNvidiaSmiSource({
    path,
    env: of.env ?? {},
    clock: { now_ms: () => Date.now(), mono_ms: () => Math.round(performance.now()) },
  });
  await source.start({
    onSamples: (round) => {
      samples += round.length;
    },
    onInventory: () => undefined,
    onProblem: (error) => {
      problem = error;
    },
  });
  const before = process.cpuUsage();
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, of.duration_ms));
  const used = process.cpuUsage(before);
  const took_us = (performance.now() - began) * 1000;
  const rss = process.memoryUsage.rss();
  await source.stop();
  if (samples === 0) {
    throw new CaliberError("MEASURE_NO_SAMPLES", "the source gave no sample", { cause: problem });
  }
  return { cpu_percent: (100 * (used.user + used.system)) / took_us, rss_mib: rss / 2 ** 20, samples };
}
