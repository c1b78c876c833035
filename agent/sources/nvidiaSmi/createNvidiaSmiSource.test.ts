import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CaliberError } from "../../../protocol/errors.js";
import type { InventoryBody } from "../../../protocol/report/schema.js";
import { buildSimulator } from "../../../test/simulator/buildSimulator.js";
import type { GpuSample, TelemetrySource } from "../telemetrySource.js";
import { createNvidiaSmiSource, type NvidiaSmiOptions } from "./createNvidiaSmiSource.js";
import { detect } from "./detect.js";

const known = "GPU-00000000-0000-0000-0000-00000000000a";
let simulator: string;
let dir: string;
const running: TelemetrySource[] = [];

beforeAll(() => {
  simulator = buildSimulator();
  dir = mkdtempSync(join(tmpdir(), "caliber-source-"));
  return () => rmSync(dir, { recursive: true, force: true });
}, 60_000);

afterEach(async () => {
  await Promise.all(running.splice(0).map((source) => source.stop()));
});

type Event = { at_s: number; until_s?: number; gpu?: number; do: string; as?: string };

/** The simulator's environment for a scenario of one host, whose second 0 is now. */
function scenario(events: Event[], gpus = 2, model = "H100 80GB HBM3"): Record<string, string> {
  const path = join(dir, `scenario-${Math.random()}.json`);
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
  const path = join(dir, `smi-${Math.random()}`);
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
        throw new Error(`no such sample; last: ${JSON.stringify(samples.slice(-2))} ${problems.map(String)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { source, samples, problems, inventories, until };
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const goneSoon = async (pid: number) => {
  for (let tries = 0; tries < 60 && isAlive(pid); tries++) await new Promise((r) => setTimeout(r, 50));
  return !isAlive(pid);
};

describe("through the simulator", { timeout: 30_000 }, () => {
  it("reads inventory and samples, and both agree", async () => {
    const { source, inventories, until } = await start({ path: simulator, env: scenario([], 8) });
    expect(inventories).toHaveLength(1);
    expect(source.inventory()).toHaveLength(8);
    expect(source.inventory()[3]).toMatchObject({
      index: 3,
      name: "NVIDIA H100 80GB HBM3",
      architecture: "Hopper",
      mig_enabled: false,
      ecc_enabled: true,
      power_limit_mw: 700_000,
      fb_total_mib: 81_559,
    });
    const last = source.inventory()[7]!.uuid;
    const sample = await until(({ uuid }) => uuid === last);
    expect(sample).toMatchObject({ presence: "present", source: "nvidia-smi" });
    expect(sample.fast.util_permille).toBeGreaterThan(0);
    expect(sample.fast.power_mw).toBeGreaterThan(70_000);
    expect(sample.health).toMatchObject({
      recovery_action: "none",
      processes: 1,
      remapped_rows: { correctable: 0, uncorrectable: 0, pending: false, failure: false },
      ecc_volatile: {
        sram_correctable: 0,
        sram_uncorrectable: 0,
        dram_correctable: 0,
        dram_uncorrectable: 0,
      },
    });
  });

  it.each(["leaves", "handle"])("a GPU falls off (%s) and comes back; the others go on", async (as) => {
    const { source, samples, until } = await start({
      path: simulator,
      env: scenario([{ at_s: 1.5, until_s: 3, gpu: 1, do: "lose", as }], 3),
      full_interval_ms: 700,
    });
    const [zero, one, two] = source.inventory().map(({ uuid }) => uuid);
    await until(({ uuid, presence }) => uuid === one && presence === "lost");
    const at = samples.length;
    await until(({ uuid, presence }) => uuid === zero && presence === "present");
    await until(({ uuid, presence }) => uuid === two && presence === "present");
    expect(source.inventory().map(({ uuid }) => uuid)).toEqual([zero, one, two]);
    await until(({ uuid, presence }) => uuid === one && presence === "present");
    const during = samples.slice(at).filter(({ uuid }) => uuid === one);
    expect(during.some(({ presence }) => presence === "lost")).toBe(true);
    expect(during.every(({ presence, fast }) => presence === "present" || fast.power_mw === null)).toBe(true);
  });

  it("uncorrectable errors call for a full reading at once", async () => {
    const { until, source } = await start({
      path: simulator,
      env: scenario([{ at_s: 2, gpu: 0, do: "ecc_uncorrectable" }]),
    });
    const bad = await until(({ health }) => (health.ecc_volatile?.dram_uncorrectable ?? 0) > 0);
    expect(bad).toMatchObject({
      uuid: source.inventory()[0]!.uuid,
      health: { recovery_action: "drain_and_reset", remapped_rows: { pending: true } },
    });
    // The aggregate counter stands in the full reading alone; the next scheduled one is a minute away.
    await until(({ health }) => health.ecc_aggregate?.dram_uncorrectable === 3, 5000);
  });

  it("MIG gives null utilization, not 0, in the stream as in the full reading", async () => {
    const { until, source } = await start({ path: simulator, env: scenario([{ at_s: 0, do: "mig" }], 1) });
    expect(source.inventory()[0]).toMatchObject({ mig_enabled: true });
    const sample = await until(({ presence }) => presence === "present");
    expect(sample.fast).toMatchObject({ util_permille: null, mem_util_permille: null });
    expect(sample.fast.power_mw).toBeGreaterThan(0);
    expect(sample.health.remapped_rows).toBeNull();
  });

  it("a hang is a timeout in the samples, and ends", async () => {
    const { until, problems } = await start({
      path: simulator,
      env: scenario([{ at_s: 1.5, until_s: 3, do: "hang" }]),
      timeout_ms: 1000,
    });
    const silent = await until(({ presence }) => presence === "probe_timeout");
    expect(silent.fast.power_mw).toBeNull();
    expect(problems.map(({ code }) => code)).toContain("NVIDIA_SMI_SILENT");
    await until(({ presence }) => presence === "present", 15_000);
  });

  it("a driver that goes and comes back", async () => {
    const { until, problems } = await start({
      path: simulator,
      env: scenario([{ at_s: 1.5, until_s: 2.8, do: "driver_missing" }]),
    });
    await until(({ presence }) => presence === "probe_timeout");
    expect(problems.map(({ code }) => code)).toContain("NVIDIA_SMI_DRIVER_NOT_LOADED");
    await until(({ presence }) => presence === "present");
  });

  it("leaves no child behind on stop, not even a hung one", async () => {
    const pidFile = join(dir, "pids");
    writeFileSync(pidFile, "");
    const path = script(`echo $$ >> ${pidFile}\nexec ${simulator} "$@"`);
    const { source, until } = await start({ path, env: scenario([{ at_s: 1.5, do: "hang" }]) });
    await until(({ presence }) => presence === "probe_timeout");
    await source.stop();
    const pids = readFileSync(pidFile, "utf8").trim().split("\n").map(Number);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    for (const pid of pids) expect(await goneSoon(pid)).toBe(true);
  });
});

describe("a program that misbehaves", { timeout: 30_000 }, () => {
  it("is absent: known GPUs read as timed out, and the code says why", async () => {
    const { until, problems } = await start({ path: join(dir, "none"), known: [known] });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_NOT_FOUND");
    const sample = await until(() => true);
    expect(sample).toMatchObject({ uuid: known, presence: "probe_timeout" });
  });

  it.each([
    [2, "NVIDIA_SMI_BAD_ARGUMENT"],
    [3, "NVIDIA_SMI_NOT_SUPPORTED"],
    [4, "NVIDIA_SMI_NO_PERMISSION"],
    [6, "NVIDIA_SMI_NO_DEVICES"],
    [9, "NVIDIA_SMI_DRIVER_NOT_LOADED"],
    [12, "NVIDIA_SMI_NVML_MISSING"],
    [15, "NVIDIA_SMI_GPU_LOST"],
    [255, "NVIDIA_SMI_FAILED"],
  ])("exits with %d: %s", async (code, expected) => {
    const { problems } = await start({ path: script(`echo "it said so"\nexit ${code}`) });
    expect(problems[0]).toMatchObject({ code: expected, details: "it said so" });
  });

  it("prints garbage for ever", async () => {
    const { problems, until } = await start({
      path: script("while :; do head -c 3000 /dev/urandom; sleep 0.05; done"),
      known: [known],
      timeout_ms: 500,
    });
    expect(problems[0]?.code).toMatch(/^NVIDIA_SMI_(XML_MALFORMED|TIMEOUT)$/);
    expect(await until(() => true)).toMatchObject({ presence: "probe_timeout" });
  });

  it("prints nothing and ignores SIGTERM", async () => {
    const path = script("trap '' TERM\nexec sleep 600");
    const began = Date.now();
    const { problems, source } = await start({ path, timeout_ms: 300 });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_TIMEOUT");
    expect(Date.now() - began).toBeLessThan(3000);
    await source.stop();
  });

  it("is an old driver: fields that it refuses are asked for no more", async () => {
    const env = scenario([], 1);
    const path = script(`case "$*" in
      *gpu_recovery_action*) echo 'Field "gpu_recovery_action" is not a valid field to query.'; exit 2;;
      *clocks_throttle_reasons*) echo 'Field "clocks_throttle_reasons.active" is not a valid field to query.'; exit 2;;
      *) exec ${simulator} "$@";; esac`);
    const { until, problems } = await start({ path, env });
    const sample = await until(({ presence }) => presence === "present");
    expect(sample.fast.throttle).toEqual([]);
    // From the full reading, which needs no field names.
    expect(sample.health.recovery_action).toBe("none");
    expect(problems).toEqual([]);
  });

  it("gets a small environment, with a way to find its interpreter", async () => {
    const file = join(dir, "env");
    process.env.CALIBER_TEST_SECRET = "do not pass on";
    await start({ path: script(`env > ${file}\nexit 9`), env: { EXTRA: "1" } });
    delete process.env.CALIBER_TEST_SECRET;
    const seen = readFileSync(file, "utf8");
    expect(seen).toContain("PATH=");
    expect(seen).toContain("EXTRA=1");
    expect(seen).not.toContain("CALIBER_TEST_SECRET");
    expect(seen).not.toContain("HOME=");
  });
});

describe("detect", () => {
  it("finds the GPUs of a working one", async () => {
    expect(await detect({ path: simulator, env: scenario([], 8) }, { timeout_ms: 5000 })).toEqual({
      found: true,
      gpus: 8,
    });
  });
  it.each([
    ["no program", () => join(dir, "none"), "NVIDIA_SMI_NOT_FOUND"],
    ["no driver", () => script("echo 'cannot talk to the driver'; exit 9"), "NVIDIA_SMI_DRIVER_NOT_LOADED"],
    ["no GPU", () => script("echo 'No devices found.'; exit 0"), "NVIDIA_SMI_NO_DEVICES"],
    ["a hang", () => script("exec sleep 600"), "NVIDIA_SMI_TIMEOUT"],
  ])("%s", async (_name, path, code) => {
    const result = await detect({ path: path(), env: {} }, { timeout_ms: 500 });
    expect(result).toMatchObject({ found: false, code });
    if (!result.found) expect(result.reason).toMatch(/^[^\n]{5,300}$/);
  });
});
