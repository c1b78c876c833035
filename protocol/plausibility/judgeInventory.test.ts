import { describe, expect, it } from "vitest";
import type { HostFacts, InventoryBody } from "../report/schema.js";
import { judgeInventory } from "./judgeInventory.js";
import { plausibilityCodes } from "./plausibilityCodes.js";

const linux: HostFacts = {
  machine_id: null,
  boot_id: null,
  vendor: null,
  product: null,
  serial: null,
  board_serial: null,
  chassis_serial: null,
  bios_version: null,
  virtualization: null,
  os: "Ubuntu 24.04.1 LTS",
  kernel: "6.8.0-45-generic",
};
const h100: InventoryBody = {
  index: 0,
  uuid: "GPU-1",
  serial: "1650000000001",
  pdi: null,
  name: "NVIDIA H100 80GB HBM3",
  brand: "NVIDIA",
  architecture: "Hopper",
  vbios_version: "96.00.CF.00.01",
  board_part_number: "692-2G520-0200-000",
  gpu_part_number: "2330-885-A1",
  inforom_image_version: "G520.0200.00.05",
  driver_version: "580.95.05",
  cuda_version: "13.0",
  pci_bus_id: "00000000:18:00.0",
  pci_device_id: "0x233010DE",
  pcie_gen_max: 5,
  pcie_width_max: 16,
  fb_total_mib: 81_559,
  sm_clock_max_mhz: 1980,
  power_limit_mw: 700_000,
  mig_enabled: false,
  ecc_enabled: true,
  persistence_enabled: true,
  module_id: 2,
  chassis_serial: null,
  chassis_slot: null,
  tray_index: null,
  mig_devices: null,
  host: linux,
};
const found = (change: Partial<InventoryBody>) => judgeInventory({ ...h100, ...change });
const codes = (change: Partial<InventoryBody>) => found(change).map(({ code }) => code);
const unknown = {
  name: "NVIDIA X1",
  pci_device_id: "0x999910DE",
  gpu_part_number: null,
  architecture: null,
};

describe("judgeInventory", () => {
  it("has nothing against a GPU as it is", () => {
    expect(found({})).toEqual([]);
  });

  it.each<[string, string, Partial<InventoryBody>, string]>([
    [
      "another model's PCI id",
      "MODEL_CONTRADICTION",
      { pci_device_id: "26B910DE", gpu_part_number: null },
      "L40S",
    ],
    [
      "a PCI id that nobody knows",
      "MODEL_CONTRADICTION",
      { pci_device_id: "0xFFFF10DE", gpu_part_number: null },
      "FFFF",
    ],
    ["another model's part number", "MODEL_CONTRADICTION", { gpu_part_number: "20B2-895-A1" }, "20B2"],
    ["another architecture", "MODEL_CONTRADICTION", { architecture: "Ampere" }, "Hopper"],
    ["half the memory", "MEMORY_NOT_OF_MODEL", { fb_total_mib: 40_960 }, "40960 MiB"],
    ["twice the memory", "MEMORY_NOT_OF_MODEL", { fb_total_mib: 143_771 }, "143771 MiB"],
    ["a link that it cannot have", "LINK_NOT_OF_MODEL", { pcie_gen_max: 6 }, "gen 6 x16"],
    ["lanes that it cannot have", "LINK_NOT_OF_MODEL", { pcie_width_max: 32 }, "gen 5 x32"],
    ["a clock that it cannot have", "CLOCK_NOT_OF_MODEL", { sm_clock_max_mhz: 2520 }, "2520 MHz"],
    ["a limit that it cannot have", "POWER_LIMIT_NOT_OF_MODEL", { power_limit_mw: 1_000_000 }, "1000 W"],
    [
      "an infoROM of another board",
      "PART_NOT_OF_PROJECT",
      { inforom_image_version: "G506.0212.00.01" },
      "G506",
    ],
    ["a driver that is none", "DRIVER_MALFORMED", { driver_version: "latest" }, "latest"],
    ["a driver of four parts", "DRIVER_MALFORMED", { driver_version: "580.95.05.1" }, "580.95.05.1"],
    ["Windows' driver on Linux", "DRIVER_NOT_OF_OS", { driver_version: "591.86" }, "Ubuntu"],
    [
      "the same, with the kernel alone known",
      "DRIVER_NOT_OF_OS",
      { driver_version: "576.88", host: { ...linux, os: null } },
      "6.8.0",
    ],
    ["a driver older than the chip", "DRIVER_NOT_OF_ARCHITECTURE", { driver_version: "470.256.02" }, "515"],
    [
      "a Blackwell under a driver of 2023",
      "DRIVER_NOT_OF_ARCHITECTURE",
      { ...unknown, name: "NVIDIA GB300", architecture: "Blackwell", driver_version: "535.129.03" },
      "570",
    ],
    [
      "a driver that has dropped the chip",
      "DRIVER_NOT_OF_ARCHITECTURE",
      { ...unknown, name: "Tesla V100-SXM2-16GB", architecture: "Volta", driver_version: "590.48.01" },
      "580",
    ],
  ])("%s: %s", (_, code, change, says) => {
    const all = found(change);
    expect(all.map(({ code: one }) => one)).toEqual([code]);
    expect(all[0]?.evidence).toContain(says);
    expect(all[0]!.evidence.length).toBeLessThanOrEqual(200);
  });

  it.each<[string, Partial<InventoryBody>]>([
    [
      "nothing told at all",
      Object.fromEntries(Object.keys(h100).map((key) => [key, key === "uuid" ? "GPU-1" : null])),
    ],
    ["a link that the slot holds down", { pcie_gen_max: 3, pcie_width_max: 8 }],
    ["memory that an older driver keeps back", { fb_total_mib: 80_000 }],
    ["a limit that somebody lowered", { power_limit_mw: 300_000 }],
    [
      "a limit that the server's maker raised",
      {
        name: "NVIDIA A100-SXM4-40GB",
        pci_device_id: "20B010DE",
        gpu_part_number: null,
        architecture: "Ampere",
        fb_total_mib: 40_960,
        pcie_gen_max: 4,
        sm_clock_max_mhz: 1410,
        power_limit_mw: 500_000,
        board_part_number: null,
      },
    ],
    ["a PCI id that is blanked out", { pci_device_id: "000010DE" }],
    ["a board part number where the chip's should be", { gpu_part_number: "900-2G183-0000-001" }],
    ["another SKU of the same project", { board_part_number: "692-2G520-A801-000" }],
    [
      "a part number of another form",
      { board_part_number: "N/A-1", inforom_image_version: "G506.0212.00.01" },
    ],
    [
      "Windows' driver on Windows",
      { driver_version: "591.86", host: { ...linux, os: "Windows Server 2022", kernel: "10.0.20348" } },
    ],
    [
      "Windows' driver under Linux inside Windows",
      { driver_version: "591.86", host: { ...linux, kernel: "5.15.153.1-microsoft-standard-WSL2" } },
    ],
    ["Windows' driver on a host that says nothing", { driver_version: "591.86", host: null }],
    ["the same, member by member", { driver_version: "591.86", host: { ...linux, os: null, kernel: null } }],
    ["a branch of two parts", { driver_version: "570.169" }],
    [
      "an old branch that is no multiple of five",
      { ...unknown, architecture: "Turing", driver_version: "418.43" },
    ],
    ["the first driver of its architecture", { driver_version: "515.86.01" }],
    [
      "a model that nobody knows, whatever it says",
      { ...unknown, fb_total_mib: 1, pcie_gen_max: 16, sm_clock_max_mhz: 9000, power_limit_mw: 5_000_000 },
    ],
    ["an architecture named like a member of every object", { ...unknown, architecture: "constructor" }],
  ])("%s: nothing", (_, change) => {
    expect(found(change)).toEqual([]);
  });

  it("tells several at once, each under its own code", () => {
    expect(codes({ fb_total_mib: 1, power_limit_mw: 2_000_000, driver_version: "591.86" })).toEqual([
      "MEMORY_NOT_OF_MODEL",
      "POWER_LIMIT_NOT_OF_MODEL",
      "DRIVER_NOT_OF_OS",
    ]);
  });

  it("never says more than a report can hold, whatever the host calls itself", () => {
    const all = found({
      driver_version: "9".repeat(64),
      name: "x".repeat(128),
      board_part_number: `692-2G520-${"9".repeat(50)}`,
      inforom_image_version: `G111.0000.${"x".repeat(50)}`,
    });
    expect(all.map(({ code }) => code)).toContain("PART_NOT_OF_PROJECT");
    for (const { evidence } of all) expect(evidence.length).toBeLessThanOrEqual(200);
  });
});

it("codes fit the report and are told apart", () => {
  expect(new Set(plausibilityCodes).size).toBe(plausibilityCodes.length);
  for (const code of plausibilityCodes) expect(code).toMatch(/^[A-Z0-9_]{1,48}$/);
});
