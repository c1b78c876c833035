import { copyFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CaliberError } from "../../../protocol/errors.js";
import type { InventoryBody } from "../../../protocol/report/schema.js";
import { buildNvmlWorker } from "../../../test/nvml/buildNvmlWorker.js";
import { type FakeGpu, fakeGpu, fakeUuid } from "../../../test/nvml/fakeGpu.js";
import { createFakeHost, type FakeHost, hasCompiler } from "../../../test/nvml/fakeHost.js";
import { until } from "../../../test/support/until.js";
import { noReading } from "../noReading.js";
import type { GpuSample, TelemetrySource } from "../telemetrySource.js";
import { createNvmlSource, type NvmlOptions } from "./createNvmlSource.js";

const running: TelemetrySource[] = [];
const hosts: FakeHost[] = [];
let host: FakeHost;
let old: FakeHost;

const gpusOf = (count: number) => Array.from({ length: count }, (_, n) => fakeGpu(n));
const startedAt = performance.now();

async function start(options: Partial<NvmlOptions> = {}) {
  const rounds: (readonly GpuSample[])[] = [];
  const problems: CaliberError[] = [];
  const inventories: (readonly InventoryBody[])[] = [];
  const source = createNvmlSource({
    library: host.library,
    interval_ms: 40,
    full_interval_ms: 60_000,
    clock: { now_ms: () => Date.now(), mono_ms: () => Math.round(performance.now() - startedAt) },
    random: () => 0,
    ...options,
  });
  running.push(source);
  await source.start({
    onSamples: (round) => rounds.push(round),
    onInventory: (gpus) => inventories.push(gpus),
    onProblem: (error) => problems.push(error),
  });
  /** Resolves with the first round from now on that meets the condition, by UUID. */
  const round = (what: string, wanted: (gpu: (n: number) => GpuSample | undefined) => boolean) => {
    const from = rounds.length;
    const byNumber = (samples: readonly GpuSample[]) => (n: number) =>
      samples.find(({ uuid }) => uuid === fakeUuid(n));
    return until(
      `${what}; last: ${JSON.stringify(rounds.at(-1)?.map(({ presence }) => presence))} ${problems}`,
      15_000,
      () => rounds.slice(from).find((samples) => wanted(byNumber(samples))),
      10,
    ).then(byNumber);
  };
  const next = () => round("another round", () => true);
  return { source, rounds, problems, inventories, round, next };
}

describe.skipIf(!hasCompiler())("createNvmlSource", { timeout: 30_000 }, () => {
  beforeAll(() => {
    buildNvmlWorker();
    host = createFakeHost();
    old = createFakeHost(true);
    hosts.push(host, old);
  }, 60_000);
  afterEach(async () => {
    // Ends a hang, so that no thread of this test process is left behind.
    for (const each of hosts) each.write({ gpus: [] });
    await Promise.all(running.splice(0).map((source) => source.stop()));
  });
  afterAll(() => {
    for (const each of hosts) each.remove();
  });

  it("reads every value of a GPU, in our units", async () => {
    host.write({ gpus: gpusOf(8) });
    const { source, inventories, problems, round } = await start();
    expect(source.name).toBe("nvml");
    expect(inventories).toHaveLength(1);
    expect(source.inventory()).toHaveLength(8);
    expect(source.inventory()[2]).toEqual({
      index: 2,
      uuid: fakeUuid(2),
      serial: "1650000000002",
      pdi: "0x00000000abcdef02",
      name: "NVIDIA H100 80GB HBM3",
      brand: "NVIDIA",
      architecture: "Hopper",
      vbios_version: "96.00.CF.00.01",
      board_part_number: "692-2G520-0200-000",
      gpu_part_number: null,
      inforom_image_version: "G520.0200.00.05",
      driver_version: "580.95.05",
      cuda_version: "13.0",
      pci_bus_id: "00000000:3a:00.0",
      pci_device_id: "233010DE",
      pcie_gen_max: 5,
      pcie_width_max: 16,
      fb_total_mib: 81_559,
      sm_clock_max_mhz: 1980,
      power_limit_mw: 700_000,
      mig_enabled: false,
      ecc_enabled: true,
      persistence_enabled: true,
      module_id: 3,
      chassis_serial: null,
      chassis_slot: null,
      tray_index: null,
      mig_devices: null,
      host: null,
    });
    // SM activity is the mean between two samples: from the second round on.
    const gpu = (await round("SM activity", (of) => of(2)?.fast.sm_activity_permille !== null))(2)!;
    expect(gpu).toMatchObject({
      uuid: fakeUuid(2),
      source: "nvml",
      supplied: [],
      xids: [],
      presence: "present",
    });
    expect(gpu.fast).toEqual({
      util_permille: 970,
      sm_activity_permille: 735,
      mem_util_permille: 410,
      fb_used_mib: 70_000,
      power_mw: 651_234,
      temp_mc: 61_000,
      sm_clock_mhz: 1965,
      pcie_gen: 5,
      pcie_width: 16,
      energy_mj: "9007199254740993",
      throttle: ["sw_power_cap"],
    });
    expect(gpu.health).toEqual({
      ecc_volatile: {
        sram_correctable: 0,
        sram_uncorrectable: 0,
        dram_correctable: 3,
        dram_uncorrectable: 0,
      },
      ecc_aggregate: {
        sram_correctable: 1,
        sram_uncorrectable: 0,
        dram_correctable: 8,
        dram_uncorrectable: 0,
      },
      sram_threshold_exceeded: false,
      remapped_rows: { correctable: 1, uncorrectable: 0, pending: false, failure: false },
      recovery_action: "none",
      pcie_replays: 106,
      processes: 2,
      fabric: { state: "completed", status: "success", clique_id: 0, cluster_uuid: null },
    });
    expect(problems).toEqual([]);
  });

  it.each([0, 1, 16])("gives one sample for each of %i GPUs every interval", async (count) => {
    host.write({ gpus: gpusOf(count) });
    const { rounds, source, problems } = await start();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(source.inventory()).toHaveLength(count);
    expect(rounds.every((round) => round.length === count)).toBe(true);
    if (count > 0) expect(rounds.length).toBeGreaterThan(4);
    expect(problems).toEqual([]);
  });

  it("gives null for what a GPU, a driver or a permission does not let it read, never 0", async () => {
    const identity = new Set(["uuid", "bus", "fb_used", "fb_total", "fb_reserved"]);
    const only = (code: string) =>
      Object.fromEntries(
        Object.keys(fakeGpu(0)).map((key) => [key, identity.has(key) ? fakeGpu(0)[key] : code]),
      ) as FakeGpu;
    for (const code of ["!3", "!4", "!13", "!25", "!26", "!999"]) {
      host.write({ gpus: [only(code)] });
      const { source, next } = await start();
      const gpu = (await next())(0)!;
      expect(gpu.presence).toBe("present");
      expect(gpu.fast).toEqual({ ...noReading.fast, fb_used_mib: 70_000 });
      expect(gpu.health).toEqual(noReading.health);
      const { index, uuid, pci_bus_id, fb_total_mib, driver_version, cuda_version, ...rest } =
        source.inventory()[0]!;
      expect({ index, uuid, fb_total_mib, driver_version, cuda_version }).toEqual({
        index: 0,
        uuid: fakeUuid(0),
        fb_total_mib: 81_559,
        driver_version: "580.95.05",
        cuda_version: "13.0",
      });
      expect(pci_bus_id).toBeNull();
      expect(Object.values(rest).every((value) => value === null)).toBe(true);
      await source.stop();
    }
  });

  it("takes no number out of range for a reading", async () => {
    host.write({
      gpus: [
        fakeGpu(0, {
          power: 0xffffffff,
          energy: "18446744073709551615",
          util: 101,
          mem_util: 4_000_000_000,
          gen: 17,
          width: 65,
          temp: 100_000,
          sm_activity: "nan",
          throttle: "0x8000000000000001",
          remapped: "4294967295 0 0 0",
          sm_clock_max: 0,
          brand: 77,
          architecture: 0xffffffff,
          serial: "0000000000000",
          board_part: "000-00000-0000-000",
          name: "H\u00e9",
          recovery: 9,
        }),
      ],
    });
    const { source, next } = await start();
    await next();
    const gpu = (await next())(0)!;
    expect(gpu.fast).toMatchObject({
      power_mw: null,
      energy_mj: null,
      util_permille: null,
      mem_util_permille: null,
      pcie_gen: null,
      pcie_width: null,
      temp_mc: null,
      sm_activity_permille: null,
      throttle: ["bit_63", "gpu_idle"],
    });
    expect(gpu.health).toMatchObject({ remapped_rows: null, recovery_action: "action_9" });
    expect(source.inventory()[0]).toMatchObject({
      sm_clock_max_mhz: null,
      brand: null,
      architecture: null,
      serial: null,
      board_part_number: null,
      name: null,
    });
  });

  it("reads an older driver, whose library lacks functions", async () => {
    old.write({ gpus: [fakeGpu(0, { platform: "1 2 1 0 5 1820000000001" })] });
    const { source, next } = await start({ library: old.library });
    const gpu = (await next())(0)!;
    expect(gpu.fast).toEqual({
      util_permille: 970,
      sm_activity_permille: null,
      mem_util_permille: 410,
      // The older struct counts what the driver reserves as used.
      fb_used_mib: 70_512,
      power_mw: 651_234,
      temp_mc: 61_000,
      sm_clock_mhz: 1965,
      pcie_gen: 5,
      pcie_width: 16,
      energy_mj: "9007199254740993",
      throttle: ["sw_power_cap"],
    });
    expect(gpu.health).toMatchObject({
      recovery_action: null,
      fabric: null,
      sram_threshold_exceeded: null,
      processes: 2,
    });
    expect(source.inventory()[0]).toMatchObject({
      pdi: null,
      architecture: null,
      module_id: null,
      chassis_serial: null,
    });
  });

  it("reads the ECC counters of GPUs that count by unit", async () => {
    const units = {
      sram_corr_vol: undefined,
      sram_unc_vol: undefined,
      l1_corr_vol: 1,
      l2_corr_vol: 2,
      registers_corr_vol: 4,
      texture_corr_vol: 8,
      cbu_unc_vol: 5,
    };
    host.write({ gpus: [fakeGpu(0, units)] });
    const gpu = (await (await start()).next())(0)!;
    expect(gpu.health.ecc_volatile).toEqual({
      sram_correctable: 15,
      sram_uncorrectable: 5,
      dram_correctable: 3,
      dram_uncorrectable: 0,
    });
  });

  it("reads place and fabric of a rack, by either struct", async () => {
    const rack = {
      platform: "21 11 1 0 2 1822725100200",
      fabric: "3 0 5 00112233445566778899aabbccddeeff",
      module: undefined,
      temp: "!26",
      temp_signed: "-7",
    };
    for (const machine of [[], ["fabric_v2 1"]]) {
      host.write({
        gpus: [fakeGpu(0, rack), fakeGpu(1, { platform: "255 255 1 0 4", fabric: "2 999 7 00" })],
        machine,
      });
      const { source, next } = await start();
      const of = await next();
      expect(of(0)!.fast.temp_mc).toBe(-7000);
      expect(of(0)!.health.fabric).toEqual({
        state: "completed",
        status: "success",
        clique_id: 5,
        cluster_uuid: "00112233-4455-6677-8899-aabbccddeeff",
      });
      expect(of(1)!.health.fabric).toEqual({
        state: "in_progress",
        status: null,
        clique_id: null,
        cluster_uuid: null,
      });
      expect(source.inventory()[0]).toMatchObject({
        chassis_serial: "1822725100200",
        chassis_slot: 21,
        tray_index: 11,
        module_id: 2,
      });
      // A board in no chassis: positions without all bits set, an empty serial.
      expect(source.inventory()[1]).toMatchObject({
        chassis_serial: null,
        chassis_slot: null,
        tray_index: null,
        module_id: 2,
      });
      await source.stop();
    }
  });

  it("lists MIG instances, and gives no utilization and no remapped rows of the whole GPU", async () => {
    const mig = {
      mig: 1,
      mig_places: 7,
      mig0: "1 0 40192 3g.40gb MIG-11111111-0000-5000-8000-000000000000",
      mig3: "9 0 9728 1g.10gb MIG-22222222-0000-5000-8000-000000000000",
    };
    host.write({ gpus: [fakeGpu(0, mig), fakeGpu(1, { mig: 1, mig_places: 7 })] });
    const { source, next } = await start();
    await next();
    const gpu = (await next())(0)!;
    expect(gpu.presence).toBe("present");
    expect(gpu.fast).toMatchObject({
      util_permille: null,
      mem_util_permille: null,
      sm_activity_permille: null,
      power_mw: 651_234,
    });
    expect(gpu.health.remapped_rows).toBeNull();
    expect(source.inventory()[0]).toMatchObject({
      mig_enabled: true,
      mig_devices: [
        {
          gpu_instance: 1,
          compute_instance: 0,
          uuid: "MIG-11111111-0000-5000-8000-000000000000",
          profile: "3g.40gb",
          fb_total_mib: 40_192,
        },
        {
          gpu_instance: 9,
          compute_instance: 0,
          uuid: "MIG-22222222-0000-5000-8000-000000000000",
          profile: "1g.10gb",
          fb_total_mib: 9728,
        },
      ],
    });
    expect(source.inventory()[1]).toMatchObject({ mig_enabled: true, mig_devices: [] });
  });

  it("counts processes, those of both kinds once, and none unless both are told", async () => {
    const many = Array.from({ length: 40 }, (_, n) => 100 + n).join(" ");
    host.write({
      gpus: [fakeGpu(0, { compute: many, graphics: "!4" }), fakeGpu(1, { compute: many, graphics: "!3" })],
    });
    const of = await (await start()).next();
    expect(of(0)!.health.processes).toBeNull();
    expect(of(1)!.health.processes).toBe(40);
  });

  describe("a GPU that fails", () => {
    it("is lost with code 15: identity stays, readings go, and it comes back", async () => {
      host.write({ gpus: gpusOf(2) });
      const { source, inventories, round } = await start();
      host.write({ gpus: [fakeGpu(0), fakeGpu(1, { all: "!15" })] });
      const of = await round("a lost GPU", (gpu) => gpu(1)?.presence === "lost");
      expect(of(1)).toMatchObject({ uuid: fakeUuid(1), ...noReading });
      expect(of(0)!.presence).toBe("present");
      host.write({ gpus: [fakeGpu(0), fakeGpu(1, { all: "!15", handle: "!15" })] });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(source.inventory()[1]).toMatchObject({ uuid: fakeUuid(1), serial: "1650000000001" });
      expect(inventories).toHaveLength(1);
      host.write({ gpus: gpusOf(2) });
      await round("the GPU again", (gpu) => gpu(1)?.presence === "present");
      expect(inventories).toHaveLength(1);
    });

    it("is lost when the driver gives no handle for it any more", async () => {
      const machine = ["live 1"];
      for (const code of ["!15", "!16", "!999"]) {
        host.write({ gpus: gpusOf(2), machine });
        const { source, inventories, round } = await start({ full_interval_ms: 200 });
        host.write({ gpus: [fakeGpu(0, { handle: code }), fakeGpu(1)], machine });
        const of = await round(`no handle (${code})`, (gpu) => gpu(0)?.presence === "lost");
        expect(of(1)!.presence).toBe("present");
        expect(source.inventory()).toMatchObject([
          { uuid: fakeUuid(0), index: 0, pdi: "0x00000000abcdef00" },
          { uuid: fakeUuid(1) },
        ]);
        expect(inventories).toHaveLength(1);
        await source.stop();
      }
    });

    it("is lost when a single reading says so, or when it measures nothing", async () => {
      host.write({ gpus: [fakeGpu(0, { throttle: "!15" }), fakeGpu(1, { all: "!999" }), fakeGpu(2)] });
      const of = await (await start()).next();
      expect([0, 1, 2].map((n) => of(n)!.presence)).toEqual(["lost", "lost", "present"]);
    });

    it("with code 16 says `reset` while it still measures, and is lost when it does not", async () => {
      host.write({ gpus: gpusOf(3) });
      const { round } = await start();
      host.write({
        gpus: [
          fakeGpu(0, { util: "!16", temp: "!16", recovery: "!16" }),
          fakeGpu(1, { all: "!16" }),
          // The driver's own word for what is to be done is more than our inference.
          fakeGpu(2, { util: "!16", recovery: 4 }),
        ],
      });
      const of = await round("code 16", (gpu) => gpu(1)?.presence === "lost");
      expect(of(0)).toMatchObject({
        presence: "present",
        fast: { util_permille: null, power_mw: 651_234 },
        health: { recovery_action: "reset" },
      });
      expect(of(1)).toMatchObject(noReading);
      expect(of(2)!.health.recovery_action).toBe("drain_and_reset");
    });

    it("is read in full at once when a fault shows", async () => {
      host.write({ gpus: gpusOf(1) });
      const { round } = await start({ full_interval_ms: 3_600_000 });
      host.write({ gpus: [fakeGpu(0, { dram_unc_vol: 2, dram_unc_agg: 2, recovery: 1, replays: 999 })] });
      const first = await round("the fault", (gpu) => gpu(0)?.health.recovery_action === "reset");
      expect(first(0)!.health.ecc_volatile).toMatchObject({ dram_uncorrectable: 2, dram_correctable: 3 });
      // What only a full reading tells comes with the next one, long before the hour has passed.
      const full = await round("the full reading", (gpu) => gpu(0)?.health.pcie_replays === 999);
      expect(full(0)!.health.ecc_aggregate).toMatchObject({ dram_uncorrectable: 2 });
    });

    it("tells the Xids that came since the sample before", async () => {
      host.write({ gpus: [fakeGpu(0, { xid: "79 4" }), fakeGpu(1)] });
      const { round, rounds } = await start();
      host.write({ gpus: [fakeGpu(0, { xid: "79 7" }), fakeGpu(1)] });
      const of = await round("an Xid", (gpu) => gpu(0)!.xids.length > 0);
      expect(of(0)!.xids).toEqual([
        {
          xid: 79,
          first_ms: of(0)!.at_ms,
          last_ms: of(0)!.at_ms,
          count: 3,
          source: "nvml",
          detail: null,
          resolution: "RESTART_BM",
          severity: "lost",
          rules: expect.any(Number),
        },
      ]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(rounds.flat().filter(({ xids }) => xids.length > 0)).toHaveLength(1);
    });

    it("does not ask for Xids when told not to", async () => {
      host.write({ gpus: [fakeGpu(0)], machine: ["code nvmlEventSetCreate 9"] });
      const { problems, next } = await start({ xid_events: false });
      expect((await next())(0)!.presence).toBe("present");
      expect(problems).toEqual([]);
    });
  });

  describe("GPUs that come and go", () => {
    it("knows from before: missing where the driver does not, lost where it says so", async () => {
      host.write({ gpus: [fakeGpu(0), fakeGpu(5, { handle: "!15" })] });
      const { next, source } = await start({ known: [fakeUuid(5), fakeUuid(6)] });
      const of = await next();
      expect([0, 5, 6].map((n) => of(n)!.presence)).toEqual(["present", "lost", "missing"]);
      expect(of(6)).toMatchObject(noReading);
      expect(source.inventory().map(({ uuid }) => uuid)).toEqual([fakeUuid(0)]);
    });

    it("misses one that vanishes and finds it under another index and address", async () => {
      const machine = ["live 1"];
      host.write({ gpus: gpusOf(3), machine });
      const { round, source, inventories } = await start();
      host.write({ gpus: [fakeGpu(1), fakeGpu(2)], machine });
      const without = await round("one missing", (gpu) => gpu(0)?.presence === "missing");
      expect(without(1)!.presence).toBe("present");
      // The full reading comes with the very round that shows the change.
      expect(source.inventory().map(({ uuid, index }) => [uuid, index])).toEqual([
        [fakeUuid(1), 0],
        [fakeUuid(2), 1],
      ]);
      const moved = fakeGpu(0, { bus: "0001:C1:00.0", power: 99_000 });
      host.write({ gpus: [fakeGpu(1), fakeGpu(2), moved], machine });
      const again = await round("it again", (gpu) => gpu(0)?.presence === "present");
      expect(again(0)!.fast.power_mw).toBe(99_000);
      expect(source.inventory().at(-1)).toMatchObject({
        uuid: fakeUuid(0),
        index: 2,
        pci_bus_id: "00000001:c1:00.0",
      });
      expect(inventories).toHaveLength(3);
    });

    it("follows renumbered indices and addresses at the next full reading", async () => {
      const machine = ["live 1"];
      host.write({ gpus: gpusOf(2), machine });
      const { source, inventories } = await start({ full_interval_ms: 200 });
      host.write({
        gpus: [
          fakeGpu(1, { bus: String(fakeGpu(0).bus), power: 1000 }),
          fakeGpu(0, { bus: String(fakeGpu(1).bus), power: 2000 }),
        ],
        machine,
      });
      await until("the new order", 5000, () => inventories.length === 2);
      expect(source.inventory()).toMatchObject([
        { uuid: fakeUuid(1), index: 0, pci_bus_id: "00000000:18:00.0" },
        { uuid: fakeUuid(0), index: 1, pci_bus_id: "00000000:2a:00.0" },
      ]);
    });

    it("opens NVML anew, which alone lists GPUs, while one is gone", async () => {
      host.write({ gpus: gpusOf(1) });
      const { round } = await start({ full_interval_ms: 400, known: [fakeUuid(1)] });
      host.write({ gpus: gpusOf(2) });
      const of = await round("the second GPU", (gpu) => gpu(1)?.presence === "present");
      expect(of(0)!.presence).toBe("present");
    });

    it("leaves out two GPUs of one name, which cannot be told apart, and says so once", async () => {
      host.write({ gpus: [fakeGpu(0), fakeGpu(1), fakeGpu(2, { uuid: fakeUuid(1) })] });
      const { next, rounds, problems } = await start({ known: [fakeUuid(1)] });
      const of = await next();
      expect(of(0)!.presence).toBe("present");
      expect(of(1)!.presence).toBe("missing");
      await until("more rounds", 5000, () => rounds.length > 5);
      expect(problems.map(({ code }) => code)).toEqual(["NVML_DUPLICATE_UUID"]);
    });

    it("tells which GPU it may not open, and reads the others", async () => {
      host.write({ gpus: [fakeGpu(0, { handle: "!4" }), fakeGpu(1)] });
      const { next, problems } = await start({ known: [fakeUuid(0)] });
      const of = await next();
      expect([of(0)!.presence, of(1)!.presence]).toEqual(["missing", "present"]);
      expect(problems).toMatchObject([
        { code: "NVML_NO_PERMISSION", details: "the handle of GPU 0 returned 4" },
      ]);
    });
  });

  describe("a library that fails", () => {
    it("reads on after the driver was loaded anew", async () => {
      host.write({ gpus: gpusOf(2), machine: ["generation 1"] });
      const { round, problems } = await start();
      host.write({ gpus: gpusOf(2), machine: ["generation 2", "init 9"] });
      const gone = await round("no driver", (gpu) => gpu(0)?.presence === "probe_timeout");
      expect(gone(1)).toMatchObject({ presence: "probe_timeout", ...noReading });
      await until("the second attempt", 5000, () => problems.length === 2);
      host.write({ gpus: gpusOf(2).map((gpu) => ({ ...gpu, energy: 5 })), machine: ["generation 2"] });
      const of = await round("readings", (gpu) => gpu(0)?.presence === "present");
      expect(of(0)!.fast.energy_mj).toBe("5");
      const codes = problems.map(({ code }) => code);
      expect(codes).toEqual(["NVML_UNINITIALIZED", "NVML_DRIVER_NOT_LOADED"]);
    });

    it("says what is wrong when there is none, and finds one that comes later", async () => {
      const library = `${host.library}.later`;
      host.write({ gpus: gpusOf(1) });
      const { problems, source, round } = await start({ library });
      expect(problems).toMatchObject([{ code: "NVML_NOT_FOUND", disposition: "retryable" }]);
      expect(source.inventory()).toEqual([]);
      copyFileSync(host.library, library);
      await round("readings", (gpu) => gpu(0)?.presence === "present");
      expect(problems).toHaveLength(1);
    });

    it("does not take another library for NVML", async () => {
      const { problems } = await start({ library: "libm.so.6" });
      expect(problems).toMatchObject([
        { code: "NVML_TOO_OLD", details: expect.stringContaining("nvmlInit_v2") },
      ]);
    });

    it("says probe_timeout while a call does not return, once what it is, and reads on when it does", async () => {
      host.write({ gpus: gpusOf(2) });
      const { round, problems, rounds } = await start();
      host.write({ gpus: gpusOf(2), machine: ["hang nvmlDeviceGetPowerUsage"] });
      const hung = await round("silence", (gpu) => gpu(0)?.presence === "probe_timeout");
      expect(hung(1)).toMatchObject({ presence: "probe_timeout", ...noReading });
      const from = rounds.length;
      await until("a sample every interval", 5000, () => rounds.length > from + 5);
      expect(problems.map(({ code }) => code)).toEqual(["NVML_SILENT"]);
      host.write({ gpus: gpusOf(2) });
      await round("readings", (gpu) => gpu(0)?.presence === "present" && gpu(1)?.presence === "present");
    });

    it("starts with a call that does not return, and stops within two seconds", async () => {
      host.write({ gpus: gpusOf(1), machine: ["hang nvmlInit_v2"] });
      const { source, round } = await start({ timeout_ms: 200, known: [fakeUuid(0)] });
      await round("silence", (gpu) => gpu(0)?.presence === "probe_timeout");
      const before = performance.now();
      await source.stop();
      expect(performance.now() - before).toBeLessThan(1500);
    });
  });
});
