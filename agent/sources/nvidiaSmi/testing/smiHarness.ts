import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CaliberError } from "../../../../protocol/errors.js";
import type { InventoryBody } from "../../../../protocol/report/schema.js";
import { buildSimulator } from "../../../../test/simulator/buildSimulator.js";
import type { GpuSample, TelemetrySource } from "../../telemetrySource.js";
import { createNvidiaSmiSource, type NvidiaSmiOptions } from "../createNvidiaSmiSource.js";

type Event = { at_s: number; until_s?: number; gpu?: number; do: string; as?: string };

/** For tests: sources over the simulator, or over a shell script in its place, and what they told. */
export function smiHarness() {
  const simulator = buildSimulator();
  const dir = mkdtempSync(join(tmpdir(), "caliber-source-"));
  const running: TelemetrySource[] = [];
  let files = 0;

  /** The simulator's environment for a scenario of one host, whose second 0 is now. */
  function scenario(events: Event[], gpus = 2, model = "H100 80GB HBM3"): Record<string, string> {
    const path = join(dir, `scenario-${files++}.json`);
    const hosts = [{ name: "sim", gpus, model }];
    writeFileSync(
      path,
      JSON.stringify({ name: "t", hosts, events: events.map((event) => ({ host: "sim", ...event })) }),
    );
    return {
      CALIBER_SIM_SCENARIO: path,
      CALIBER_SIM_HOST: "sim",
      CALIBER_SIM_SEED: "test",
      CALIBER_SIM_EPOCH_MS: String(Date.now()),
    };
  }

  /** An executable that does what a shell script says. */
  function script(body: string): string {
    const path = join(dir, `smi-${files++}`);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  async function start(options: Partial<NvidiaSmiOptions> & { path: string }) {
    const samples: GpuSample[] = [];
    const problems: CaliberError[] = [];
    const inventories: (readonly InventoryBody[])[] = [];
    const source = createNvidiaSmiSource({
      interval_ms: 100,
      timeout_ms: 2000,
      clock: { now_ms: () => Date.now(), mono_ms: () => Math.round(performance.now()) },
      random: () => 0,
      ...options,
    });
    running.push(source);
    await source.start({
      onSamples: (round) => samples.push(...round),
      onInventory: (gpus) => inventories.push(gpus),
      onProblem: (error) => problems.push(error),
    });
    /** Resolves when a sample from now on meets the condition. */
    const until = async (wanted: (sample: GpuSample) => boolean, limit_ms = 10_000): Promise<GpuSample> => {
      const from = samples.length;
      const end = Date.now() + limit_ms;
      for (;;) {
        const found = samples.slice(from).find(wanted);
        if (found) return found;
        if (Date.now() > end) {
          throw new Error(
            `no such sample; last: ${JSON.stringify(samples.slice(-2))} ${problems.map(String)}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { source, samples, problems, inventories, until };
  }

  return {
    simulator,
    dir,
    scenario,
    script,
    start,
    /** After each test. */
    stopAll: async () => {
      await Promise.all(running.splice(0).map((source) => source.stop()));
    },
    /** After the last. */
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
