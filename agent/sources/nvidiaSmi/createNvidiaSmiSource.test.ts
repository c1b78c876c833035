import { type ChildProcess, spawn } from "node:child_process";
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

  it("tells the instances of MIG, and NVLink and place of a rack's GPUs", async () => {
    const mig = await start({ path: simulator, env: scenario([{ at_s: 0, do: "mig" }], 1) });
    expect(mig.source.inventory()[0]!.mig_devices).toEqual(
      [1, 2].map((gpu_instance) => ({
        gpu_instance,
        compute_instance: 0,
        uuid: null,
        profile: null,
        fb_total_mib: Math.floor(81_559 / 2),
      })),
    );
    const rack = await start({ path: simulator, env: scenario([], 4, "GB200") });
    const [a, b, c, d] = rack.source.inventory();
    expect([b!.serial, d!.serial, b!.chassis_serial]).toEqual([a!.serial, c!.serial, a!.chassis_serial]);
    expect(a!.serial).not.toBe(c!.serial);
    expect(a).toMatchObject({
      chassis_slot: expect.any(Number),
      tray_index: expect.any(Number),
      mig_devices: null,
    });
    const { health } = await rack.until(({ presence }) => presence === "present");
    expect(health.fabric).toMatchObject({ state: "completed", status: "success", clique_id: 2 });
  });

  it("16 GPUs: every round has them all", async () => {
    const { source, samples, until } = await start({ path: simulator, env: scenario([], 16) });
    const uuids = source.inventory().map(({ uuid }) => uuid);
    expect(new Set(uuids).size).toBe(16);
    await until(({ uuid }) => uuid === uuids[15]);
    await until(({ uuid }) => uuid === uuids[15]);
    expect(samples.slice(0, 16).map(({ uuid }) => uuid)).toEqual(uuids);
    expect(samples.every(({ presence }) => presence === "present")).toBe(true);
  });

  it("no GPU at all: known ones are missing, not silent", async () => {
    const { problems, samples, source, until } = await start({
      path: simulator,
      env: scenario([{ at_s: 0, do: "vanish" }]),
      known: [known],
    });
    expect(problems[0]).toMatchObject({ code: "NVIDIA_SMI_NO_DEVICES", disposition: "user" });
    expect(source.inventory()).toEqual([]);
    expect(await until(() => true)).toMatchObject({ uuid: known, presence: "missing" });
    await until(() => true);
    expect(samples.every(({ presence }) => presence === "missing")).toBe(true);
    expect(problems.map(({ code }) => code)).not.toContain("NVIDIA_SMI_SILENT");
  });

  it("a GPU vanishes and returns when the slots have been numbered anew: same GPU, other address and index", async () => {
    const { source, inventories, until } = await start({
      path: simulator,
      env: scenario(
        [
          { at_s: 2, until_s: 4, gpu: 0, do: "vanish" },
          { at_s: 4, do: "renumber" },
        ],
        3,
      ),
      full_interval_ms: 500,
    });
    const [zero, one, two] = source.inventory();
    expect([zero!.index, two!.index]).toEqual([0, 2]);
    await until(({ uuid, presence }) => uuid === zero!.uuid && presence !== "present");
    expect(await until(({ uuid }) => uuid === one!.uuid)).toMatchObject({ presence: "present" });
    await until(({ uuid, presence }) => uuid === zero!.uuid && presence === "present", 15_000);
    await until(({ uuid, presence }) => uuid === two!.uuid && presence === "present");
    // While it was gone the indices closed up.
    expect(inventories.some((gpus) => gpus.length === 2 && gpus[0]!.uuid === one!.uuid)).toBe(true);
    const now = new Map(source.inventory().map((gpu) => [gpu.uuid, gpu]));
    expect(now.get(zero!.uuid)).toEqual({ ...zero, index: 2, pci_bus_id: "00000000:3b:00.0" });
    expect(now.get(two!.uuid)).toEqual({ ...two, index: 0, pci_bus_id: "00000000:19:00.0" });
  });

  it("a driver loaded anew: counters back at 0, known by the failure between", async () => {
    const { problems, samples, until } = await start({
      path: simulator,
      env: scenario(
        [
          { at_s: 0, do: "ecc_uncorrectable" },
          { at_s: 2, until_s: 4, do: "driver_missing" },
        ],
        1,
      ),
    });
    await until(({ health }) => health.ecc_volatile?.dram_uncorrectable === 3);
    await until(({ presence }) => presence === "probe_timeout");
    expect(problems.find(({ code }) => code === "NVIDIA_SMI_DRIVER_NOT_LOADED")).toMatchObject({
      disposition: "retryable",
    });
    const after = await until(({ presence }) => presence === "present", 15_000);
    expect(after.health.ecc_volatile?.dram_uncorrectable).toBe(0);
    // The full reading that follows at once, not the one in a minute.
    await until(({ health }) => health.pcie_replays === 0 && health.ecc_aggregate?.dram_uncorrectable === 3);
    expect(samples.every(({ presence, fast }) => presence === "present" || fast.power_mw === null)).toBe(
      true,
    );
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
    [8, "NVIDIA_SMI_POWER_CABLE"],
    [10, "NVIDIA_SMI_INTERRUPT"],
    [13, "NVIDIA_SMI_NVML_TOO_OLD"],
    [16, "NVIDIA_SMI_RESET_REQUIRED"],
    [18, "NVIDIA_SMI_VERSION_MISMATCH"],
    [255, "NVIDIA_SMI_FAILED"],
  ])("exits with %d: %s", async (code, expected) => {
    const { problems } = await start({ path: script(`echo "it said so"\nexit ${code}`) });
    expect(problems[0]).toMatchObject({ code: expected, details: "it said so" });
  });

  it("a corrupted infoROM (14) is a warning: the document counts", async () => {
    const env = scenario([], 1);
    const path = script(`${simulator} "$@"
echo "WARNING: infoROM is corrupted at gpu 0000:18:00.0"
exit 14`);
    const { source, problems } = await start({ path, env });
    expect(source.inventory()).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  it("says in words, as a success, that there is no GPU", async () => {
    const { problems } = await start({ path: script("echo 'No devices were found'") });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_NO_DEVICES");
  });

  it("nests supported clocks wrongly: the same readings, told once", async () => {
    const env = scenario([], 2);
    const slip = `s,<supported_clocks>N/A,<supported_clocks><supported_mem_clock><value>1 MHz</value>,`;
    const path = script(
      `case "$*" in *-x*) ${simulator} "$@" | sed '${slip}';; *) exec ${simulator} "$@";; esac`,
    );
    const damaged = await start({ path, env, full_interval_ms: 300 });
    const whole = await start({ path: simulator, env });
    expect(damaged.source.inventory()).toEqual(whole.source.inventory());
    expect(damaged.source.inventory()).toHaveLength(2);
    for (let readings = 0; readings < 20; readings++) await damaged.until(() => true);
    const told = damaged.problems.filter(({ code }) => code !== "NVIDIA_SMI_SILENT");
    expect(told.map(({ code }) => code)).toEqual(["NVIDIA_SMI_XML_REPAIRED"]);
  });

  it("prints XML that is damaged where it matters: CSV gives identity and health instead", async () => {
    const env = scenario([{ at_s: 0, do: "ecc_uncorrectable" }], 2);
    const path = script(`case "$*" in *-x*) ${simulator} "$@" | sed 's,</utilization>,,';;
      *thresholdExceeded*) echo 'Field "ecc.errors.uncorrected.aggregate.sram.thresholdExceeded" is not a valid field to query.'; exit 2;;
      *) exec ${simulator} "$@";; esac`);
    const damaged = await start({ path, env });
    const whole = await start({ path: simulator, env });
    expect(damaged.problems).toMatchObject([{ code: "NVIDIA_SMI_XML_REPLACED", disposition: "retryable" }]);
    const notInCsv = {
      pdi: null,
      brand: null,
      architecture: null,
      board_part_number: null,
      gpu_part_number: null,
      cuda_version: null,
    };
    expect(damaged.source.inventory()).toEqual(
      whole.source.inventory().map((gpu) => ({ ...gpu, ...notInCsv })),
    );
    const { health } = await damaged.until(({ presence }) => presence === "present");
    const { health: all } = await whole.until(({ presence }) => presence === "present");
    expect(health).toEqual({ ...all, pcie_replays: null, processes: null, sram_threshold_exceeded: null });
    expect(health).toMatchObject({
      recovery_action: "drain_and_reset",
      ecc_aggregate: { dram_uncorrectable: 3 },
      remapped_rows: { pending: true },
      fabric: { state: "completed" },
    });
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
    await start({ path: script(`env >> ${file}\nexit 9`), env: { EXTRA: "1" } });
    delete process.env.CALIBER_TEST_SECRET;
    const seen = readFileSync(file, "utf8");
    expect(seen).toContain("PATH=");
    expect(seen).toContain("EXTRA=1");
    expect(seen).not.toContain("CALIBER_TEST_SECRET");
    expect(seen).not.toContain("HOME=");
  });
});

describe("a child that cannot be killed", { timeout: 30_000 }, () => {
  /** As if every child were in uninterruptible sleep: signals wait until it is let go. */
  function undead() {
    const children: ChildProcess[] = [];
    const waiting: (() => boolean)[] = [];
    let over = false;
    const from: typeof spawn = ((path: string, args: string[], options: object) => {
      const child = spawn(path, args, options);
      const kill = child.kill.bind(child);
      child.kill = () => {
        if (over) return kill("SIGKILL");
        waiting.push(() => kill("SIGKILL"));
        return true;
      };
      children.push(child);
      return child;
    }) as typeof spawn;
    function letGo() {
      over = true;
      for (const kill of waiting) kill();
    }
    const alive = (what: RegExp) =>
      children.filter(
        (child) =>
          what.test(child.spawnargs.join(" ")) && child.exitCode === null && child.signalCode === null,
      );
    return { spawn: from, children, alive, letGo };
  }

  it("has no successor until it is gone, in either kind; each is told, and samples go on", async () => {
    const fake = undead();
    const { problems, samples, source, until } = await start({
      path: simulator,
      env: scenario([{ at_s: 2.5, until_s: 9, do: "hang" }], 2),
      spawn: fake.spawn,
      timeout_ms: 800,
      full_interval_ms: 400,
    });
    await until(({ presence }) => presence === "present");
    await until(({ presence }) => presence === "probe_timeout");
    // Long past every timeout and retry: what is there is still the one stream and the one full reading.
    for (let more = 0; more < 30; more++) await until(({ presence }) => presence === "probe_timeout");
    expect(fake.alive(/ -l(ms)? /)).toHaveLength(1);
    expect(fake.alive(/ -x/)).toHaveLength(1);
    const spawned = fake.children.length;
    for (let more = 0; more < 10; more++) await until(() => true);
    expect(fake.children).toHaveLength(spawned);
    expect(problems.filter(({ code }) => code === "NVIDIA_SMI_UNKILLABLE")).toHaveLength(2);
    const silentAt = samples.length;
    fake.letGo();
    await until(({ presence }) => presence === "present", 15_000);
    expect(samples.length).toBeGreaterThan(silentAt);
    expect(fake.children.length).toBeGreaterThan(spawned);
    expect(fake.alive(/ -l(ms)? /).length).toBeLessThanOrEqual(1);
    expect(fake.alive(/ -x/).length).toBeLessThanOrEqual(1);
    await source.stop();
  });

  it("does not hold stop()", async () => {
    const fake = undead();
    const path = script("exec sleep 600");
    const { source } = await start({ path, spawn: fake.spawn, timeout_ms: 200, known: [known] });
    const began = Date.now();
    await source.stop();
    expect(Date.now() - began).toBeLessThan(2500);
    fake.letGo();
    for (const child of fake.children) expect(await goneSoon(child.pid!)).toBe(true);
  });

  it("is not taken for gone because a signal could not be sent", async () => {
    const fake = undead();
    const refuse: typeof spawn = ((...args: Parameters<typeof spawn>) => {
      const child = fake.spawn(...args);
      const pend = child.kill;
      child.kill = () => {
        pend.call(child);
        child.emit("error", Object.assign(new Error("kill EPERM"), { code: "EPERM" }));
        return false;
      };
      return child;
    }) as typeof spawn;
    const { problems, until } = await start({
      path: script("exec sleep 600"),
      spawn: refuse,
      timeout_ms: 200,
      known: [known],
    });
    for (let more = 0; more < 30; more++) await until(() => true);
    expect(fake.children).toHaveLength(2);
    expect(problems.map(({ code }) => code)).toContain("NVIDIA_SMI_UNKILLABLE");
    fake.letGo();
  });

  it("a process that can start no child says so and tries again", async () => {
    let calls = 0;
    const { problems, until } = await start({
      path: simulator,
      spawn: (() => {
        calls++;
        throw Object.assign(new Error("spawn EAGAIN"), { code: "EAGAIN" });
      }) as unknown as typeof spawn,
      known: [known],
    });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_FAILED");
    expect(await until(() => true)).toMatchObject({ presence: "probe_timeout" });
    const before = calls;
    for (let more = 0; more < 15; more++) await until(() => true);
    expect(calls).toBeGreaterThan(before);
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
