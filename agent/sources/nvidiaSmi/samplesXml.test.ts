import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseXml } from "./parseXml.js";

const dir = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-xml`;
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(dir) && process.env.CI !== "true";

const sample = (name: string) => parseXml(readFileSync(`${dir}/${name}.xml`, "utf8"));
const zeroEcc = { sram_correctable: 0, sram_uncorrectable: 0, dram_correctable: 0, dram_uncorrectable: 0 };
const noRemaps = { correctable: 0, uncorrectable: 0, pending: false, failure: false };

const inMachine = { state: "completed", status: "success", clique_id: 0, cluster_uuid: null };
const inRack = { ...inMachine, cluster_uuid: "00000000-0000-0000-0000-000000000001" };
const nowhere = { chassis_serial: null, chassis_slot: null, tray_index: null };

/**
 * What each recorded file must read as: values of the first GPU. Every figure was read from the file by
 * an XPath of its own, not by this parser.
 */
const expected: Record<string, object> = {
  "a100-sxm4-v12": {
    uuid: "GPU-513536b6-7d19-9063-b049-1e69664bb298",
    presence: "present",
    inventory: {
      sm_clock_max_mhz: 1410,
      mig_enabled: true,
      serial: "1650522003820",
      fb_total_mib: 81_920,
      power_limit_mw: 500_000,
    },
    fast: {
      pcie_gen: 4,
      pcie_width: 16,
      sm_clock_mhz: 1275,
      throttle: [],
      util_permille: null,
      mem_util_permille: null,
      power_mw: 67_030,
      temp_mc: 27_000,
      fb_used_mib: 50,
    },
    health: {
      sram_threshold_exceeded: null,
      fabric: null,
      pcie_replays: 0,
      processes: 0,
      remapped_rows: null,
      recovery_action: null,
      ecc_volatile: zeroEcc,
    },
  },
  a10g: {
    uuid: "GPU-9a9a6c50-2a47-2f51-a902-b82c3b127e94",
    inventory: {
      sm_clock_max_mhz: 1710,
      mig_enabled: null,
      mig_devices: null,
      ...nowhere,
      fb_total_mib: 23_028,
      serial: null,
      // `000-00000-0000-000` in the file.
      gpu_part_number: null,
      board_part_number: null,
      driver_version: "515.105.01",
      cuda_version: "11.7",
      power_limit_mw: 300_000,
    },
    fast: {
      temp_mc: 17_000,
      fb_used_mib: 22,
      sm_clock_mhz: 210,
      util_permille: 0,
      power_mw: 25_580,
      pcie_gen: 1,
      pcie_width: 8,
      throttle: ["gpu_idle"],
    },
    health: {
      sram_threshold_exceeded: null,
      fabric: null,
      processes: 1,
      remapped_rows: noRemaps,
      ecc_volatile: zeroEcc,
    },
  },
  "gtx-1660-ti": {
    uuid: "GPU-304a277d-3545-63b8-3a36-dfde3c992989",
    inventory: {
      sm_clock_max_mhz: 2145,
      ...nowhere,
      fb_total_mib: 5912,
      driver_version: "418.43",
      power_limit_mw: 130_000,
      architecture: null,
      serial: null,
      brand: "GeForce",
      pdi: null,
      ecc_enabled: null,
    },
    fast: {
      util_permille: 0,
      fb_used_mib: 0,
      pcie_gen: 1,
      throttle: ["gpu_idle"],
      power_mw: 8930,
      temp_mc: 40_000,
      sm_clock_mhz: 300,
      mem_util_permille: 10,
    },
    health: {
      sram_threshold_exceeded: null,
      fabric: null,
      recovery_action: null,
      ecc_volatile: null,
      ecc_aggregate: null,
      remapped_rows: null,
      processes: 0,
    },
  },
  "qx-a100": {
    inventory: {
      sm_clock_max_mhz: 1410,
      ...nowhere,
      mig_enabled: false,
      mig_devices: null,
      power_limit_mw: 400_000,
      fb_total_mib: 40_960,
      name: "NVIDIA A100-SXM4-40GB",
      serial: "1650000000001",
      pdi: null,
      module_id: 7,
    },
    fast: { sm_clock_mhz: 210, util_permille: 0, fb_used_mib: 0, power_mw: 49_680, temp_mc: 33_000 },
    health: {
      sram_threshold_exceeded: false,
      fabric: null,
      pcie_replays: 0,
      remapped_rows: noRemaps,
      recovery_action: "none",
    },
  },
  "qx-b200": {
    inventory: {
      ...nowhere,
      module_id: 6,
      sm_clock_max_mhz: 1965,
      power_limit_mw: 1_000_000,
      fb_total_mib: 183_359,
      mig_devices: null,
      name: "NVIDIA B200",
      chassis_serial: null,
      pdi: "0x0000000000000001",
      board_part_number: "692-2G525-0220-500",
      persistence_enabled: false,
    },
    fast: { sm_clock_mhz: 120, throttle: ["gpu_idle"], power_mw: 195_680, temp_mc: 39_000 },
    health: {
      sram_threshold_exceeded: false,
      fabric: inMachine,
      recovery_action: "none",
      remapped_rows: noRemaps,
      ecc_volatile: zeroEcc,
    },
  },
  "qx-gb200": {
    inventory: {
      chassis_slot: 14,
      tray_index: 4,
      module_id: 2,
      sm_clock_max_mhz: 2062,
      chassis_serial: "1820000000001",
      power_limit_mw: 1_200_000,
      fb_total_mib: 189_471,
    },
    health: {
      sram_threshold_exceeded: false,
      recovery_action: "none",
      fabric: { ...inMachine, clique_id: 2, cluster_uuid: "00000001-0000-0000-0000-000000000001" },
    },
    // The module's 468 W stand elsewhere under the same name.
    fast: { sm_clock_mhz: 120, power_mw: 165_930, temp_mc: 27_000 },
  },
  "qx-gb200-healthy": {
    uuid: "GPU-b200b200-0000-0000-0000-000000000000",
    fast: {
      sm_clock_mhz: 345,
      util_permille: 500,
      mem_util_permille: 250,
      power_mw: 618_350,
      temp_mc: 63_000,
    },
    health: {
      sram_threshold_exceeded: null,
      fabric: inRack,
      remapped_rows: noRemaps,
      recovery_action: null,
      ecc_volatile: {
        sram_correctable: null,
        sram_uncorrectable: null,
        dram_correctable: 0,
        dram_uncorrectable: 0,
      },
    },
  },
  "qx-gb200-lost": {
    presence: "present",
    health: {
      sram_threshold_exceeded: null,
      fabric: inRack,
      ecc_volatile: {
        sram_correctable: null,
        sram_uncorrectable: null,
        dram_correctable: 0,
        dram_uncorrectable: 5,
      },
      ecc_aggregate: {
        sram_correctable: null,
        sram_uncorrectable: null,
        dram_correctable: 0,
        dram_uncorrectable: 8,
      },
      remapped_rows: { correctable: 0, uncorrectable: 1, pending: false, failure: true },
    },
  },
  "qx-gb200-throttle-counters": {
    inventory: {
      chassis_serial: "1822725100200",
      chassis_slot: 21,
      tray_index: 11,
      module_id: 1,
      sm_clock_max_mhz: 2100,
    },
    health: { sram_threshold_exceeded: false, fabric: inRack, ecc_volatile: zeroEcc },
    fast: { util_permille: 360, power_mw: 145_000, temp_mc: 36_000 },
  },
  "qx-h100": {
    uuid: "GPU-00000000-0000-0000-0000-000000000000",
    inventory: {
      sm_clock_max_mhz: 1980,
      chassis_slot: null,
      tray_index: null,
      index: 0,
      serial: "1650000000001",
      pdi: "0x0000000000000001",
      vbios_version: "96.00.99.00.01",
      gpu_part_number: "2330-885-A1",
      inforom_image_version: "G520.0200.00.05",
      pci_bus_id: "00000000:53:00.0",
      pci_device_id: "233010DE",
      pcie_gen_max: 5,
      pcie_width_max: 16,
      power_limit_mw: 700_000,
      module_id: 7,
      chassis_serial: null,
      persistence_enabled: true,
    },
    fast: { power_mw: 68_570, temp_mc: 29_000, sm_clock_mhz: 345, fb_used_mib: 0, util_permille: 0 },
    health: {
      sram_threshold_exceeded: false,
      fabric: inMachine,
      pcie_replays: 150,
      ecc_volatile: zeroEcc,
      remapped_rows: noRemaps,
      recovery_action: "none",
    },
  },
  "qx-l40s": {
    inventory: {
      sm_clock_max_mhz: 2520,
      ...nowhere,
      power_limit_mw: 350_000,
      architecture: "Ada Lovelace",
      mig_enabled: null,
      driver_version: "595.91.07",
    },
    fast: { temp_mc: 29_000, sm_clock_mhz: 2040, power_mw: 65_640, pcie_width: 8 },
    health: {
      sram_threshold_exceeded: false,
      fabric: null,
      recovery_action: "none",
      remapped_rows: noRemaps,
    },
  },
  "qx-t4": {
    inventory: {
      sm_clock_max_mhz: 1590,
      ...nowhere,
      power_limit_mw: 70_000,
      name: "Tesla T4",
      pdi: "0x0000000000000001",
    },
    // The average is N/A on this card: the next name in line counts.
    fast: { temp_mc: 33_000, power_mw: 33_510 },
    health: {
      sram_threshold_exceeded: null,
      fabric: null,
      recovery_action: "none",
      remapped_rows: null,
      ecc_aggregate: { ...zeroEcc, dram_correctable: 1 },
    },
  },
  "rtx-3080-v12": {
    inventory: {
      sm_clock_max_mhz: 2100,
      ...nowhere,
      fb_total_mib: 10_240,
      serial: null,
      persistence_enabled: null,
      ecc_enabled: null,
      power_limit_mw: 336_000,
    },
    fast: { fb_used_mib: 1128, temp_mc: 31_000, mem_util_permille: 370, power_mw: 22_780 },
    health: {
      sram_threshold_exceeded: null,
      fabric: null,
      processes: 5,
      ecc_volatile: null,
      remapped_rows: null,
    },
  },
  "tesla-t4": {
    uuid: "GPU-d37e67a5-91dd-3774-a5cb-99096249601a",
    inventory: {
      sm_clock_max_mhz: 1590,
      ...nowhere,
      fb_total_mib: 15_360,
      serial: null,
      module_id: 0,
      gpu_part_number: "900-2G183-0000-001",
    },
    fast: {
      temp_mc: 40_000,
      sm_clock_mhz: 585,
      power_mw: 26_780,
      pcie_gen: 3,
      pcie_width: 8,
      fb_used_mib: 1032,
      throttle: [],
    },
    health: {
      sram_threshold_exceeded: null,
      fabric: null,
      ecc_volatile: zeroEcc,
      processes: 2,
      remapped_rows: null,
    },
  },
};

/** Files of more than one GPU. */
const several: Record<string, number> = {
  "qx-b200": 8,
  "qx-gb200": 4,
  "qx-gb200-healthy": 2,
  "qx-gb200-lost": 2,
  "qx-gb200-throttle-counters": 2,
  "qx-h100": 8,
};

describe.skipIf(skip)("recorded files", () => {
  it("are all expected for something", () => {
    const names = readdirSync(dir).map((name) => name.replace(/\.xml$/, ""));
    expect(names.sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.entries(expected))("%s", (name, first) => {
    const readings = sample(name);
    expect(readings).toHaveLength(several[name] ?? 1);
    expect(readings[0]).toMatchObject(first);
    for (const { uuid } of readings) expect(uuid).toMatch(/^GPU-[0-9a-f-]{36}$/);
    expect(readings.map(({ inventory }) => inventory.index)).toEqual(readings.map((_, index) => index));
  });
});
