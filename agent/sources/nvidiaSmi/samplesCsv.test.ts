import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fastFields } from "./fastFields.js";
import { parseCsvRow } from "./parseCsvRow.js";
import { readSaved } from "./readSaved.js";

const dir = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-csv`;
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(dir) && process.env.CI !== "true";

/** Every capture holds two tables of all fields: the idle GPU, then the GPU under load. */
function tables(part: string): [idle: string, load: string] {
  const name = readdirSync(dir).find((file) => file.includes(part))!;
  const lines = readFileSync(`${dir}/${name}`, "utf8").split("\n");
  const at = lines.flatMap((text, index) => (text.startsWith("timestamp, driver_version") ? index : []));
  expect(at).toHaveLength(2);
  return at.map((index) => `${lines[index]}\n${lines[index + 1]}\n`) as [string, string];
}

const zeroEcc = { sram_correctable: 0, sram_uncorrectable: 0, dram_correctable: 0, dram_uncorrectable: 0 };
const fabric = { state: "completed", status: "success", clique_id: 0, cluster_uuid: null };
const uuid = "GPU-00000000-0000-0000-0000-000000000000";
const common = {
  index: 0,
  uuid,
  serial: null,
  pdi: null,
  brand: null,
  architecture: null,
  board_part_number: null,
  gpu_part_number: null,
  driver_version: "590.48.01",
  cuda_version: null,
  pcie_gen_max: 5,
  pcie_width_max: 16,
  sm_clock_max_mhz: 1980,
  power_limit_mw: 700_000,
  ecc_enabled: true,
  persistence_enabled: true,
  chassis_serial: null,
  // Printed as 0 in a chassis without a serial.
  chassis_slot: null,
  tray_index: null,
  mig_devices: null,
  host: null,
};
const h100 = {
  ...common,
  name: "NVIDIA H100 80GB HBM3",
  vbios_version: "96.00.A5.00.01",
  inforom_image_version: "G520.0200.00.05",
  pci_bus_id: "00000000:00:09.0",
  pci_device_id: "233010DE",
  fb_total_mib: 81_559,
  mig_enabled: false,
  module_id: 7,
};
const h200 = {
  ...common,
  name: "NVIDIA H200",
  vbios_version: "96.00.A5.00.03",
  inforom_image_version: "G520.0280.02.02",
  pci_bus_id: "00000000:83:00.0",
  pci_device_id: "233510DE",
  fb_total_mib: 143_771,
  mig_enabled: true,
  module_id: 1,
};
const healthy = {
  ecc_volatile: zeroEcc,
  ecc_aggregate: zeroEcc,
  sram_threshold_exceeded: false,
  remapped_rows: { correctable: 0, uncorrectable: 0, pending: false, failure: false },
  recovery_action: "none",
  pcie_replays: null,
  processes: null,
  fabric,
};
const fast = {
  sm_activity_permille: null,
  pcie_gen: 5,
  pcie_width: 16,
  energy_mj: null,
};

describe.skipIf(skip)("recorded CSV: every field there is", () => {
  it.each([
    [
      "h100-80gb",
      0,
      h100,
      healthy,
      {
        util_permille: 0,
        mem_util_permille: 0,
        fb_used_mib: 0,
        power_mw: 69_850,
        temp_mc: 41_000,
        sm_clock_mhz: 345,
        throttle: ["gpu_idle"],
      },
    ],
    [
      "h100-80gb",
      1,
      h100,
      healthy,
      {
        util_permille: 1000,
        mem_util_permille: 110,
        fb_used_mib: 19_818,
        power_mw: 631_950,
        temp_mc: 59_000,
        sm_clock_mhz: 1980,
        throttle: [],
      },
    ],
    [
      "h200-mig",
      0,
      h200,
      { ...healthy, remapped_rows: null },
      {
        util_permille: null,
        mem_util_permille: null,
        fb_used_mib: 55,
        power_mw: 78_280,
        temp_mc: 28_000,
        sm_clock_mhz: 345,
        throttle: ["gpu_idle"],
      },
    ],
    [
      "h200-mig",
      1,
      h200,
      { ...healthy, remapped_rows: null },
      {
        util_permille: null,
        mem_util_permille: null,
        fb_used_mib: 16_959,
        power_mw: 295_010,
        temp_mc: 36_000,
        sm_clock_mhz: 1980,
        throttle: [],
      },
    ],
  ] as const)("%s %i", (part, which, inventory, health, readings) => {
    const table = tables(part)[which];
    expect(readSaved(table)).toEqual({
      format: "csv",
      repairs: 0,
      inventory: [inventory],
      readings: [{ uuid, presence: "present", fast: { ...fast, ...readings }, health }],
      unnamed: [],
    });
    // The columns that the stream asks for read the same there.
    const [header, row] = table.split("\n").map((line) => line.split(", "));
    const names = header!.map((column) => column.replace(/ \[.*\]$/, ""));
    const fields = fastFields.map((field) => field.replace("throttle_reasons", "event_reasons"));
    const line = fields.map((field) => row![names.indexOf(field)]).join(", ");
    expect(parseCsvRow(line, fields)).toEqual({
      uuid,
      bus_id: inventory.pci_bus_id,
      presence: "present",
      fast: { ...fast, ...readings },
      health: {
        dram_uncorrectable: 0,
        sram_uncorrectable: 0,
        remapped_rows: health.remapped_rows,
        recovery_action: "none",
      },
    });
  });
});
