import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { goneSoon } from "./testing/goneSoon.js";
import { smiHarness } from "./testing/smiHarness.js";

const known = "GPU-00000000-0000-0000-0000-00000000000a";
const harness = smiHarness();
const { simulator, dir, scenario, script, start } = harness;
afterAll(harness.remove);
afterEach(harness.stopAll);

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
          { at_s: 2.5, until_s: 6, gpu: 0, do: "vanish" },
          { at_s: 6, do: "renumber" },
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

  it("costs one child for ever and one for a moment each full interval", async () => {
    const calls: string[] = [];
    const { until } = await start({
      path: simulator,
      env: scenario([], 2),
      full_interval_ms: 700,
      spawn: ((path: string, args: string[], options: object) => {
        calls.push(args.includes("-x") ? "xml" : "stream");
        return spawn(path, args, options);
      }) as typeof spawn,
    });
    const began = Date.now();
    while (Date.now() - began < 3000) await until(() => true);
    expect(calls.filter((what) => what === "stream")).toHaveLength(1);
    expect(calls.filter((what) => what === "xml").length).toBeGreaterThanOrEqual(3);
    expect(calls.filter((what) => what === "xml").length).toBeLessThanOrEqual(1 + 3000 / 700);
  });
});
