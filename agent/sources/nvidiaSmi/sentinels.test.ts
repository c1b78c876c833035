import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvHeader, csvRow } from "../../../test/simulator/csvFields.js";
import { gpuStates } from "../../../test/simulator/gpuState.js";
import { parseScenario } from "../../../test/simulator/scenario.js";
import { xmlLog } from "../../../test/simulator/xml.js";
import { fullFields } from "./fullFields.js";
import type { GpuReading } from "./gpuReading.js";
import { parseCsv } from "./parseCsv.js";
import { parseXml } from "./parseXml.js";

/** Every spelling of "no value" that nvidia-smi is known to print, bracketed as in CSV or not. */
const sentinels = [
  "N/A",
  "[N/A]",
  "None",
  "",
  " ",
  "GPU is lost",
  "[GPU is lost]",
  "Insufficient Permissions",
  "[Insufficient Permissions]",
  "Requested functionality has been deprecated",
  "[Requested functionality has been deprecated]",
  "[Not Supported]",
  "[Unknown Error]",
  "Unknown Error",
  "ERR!",
];

/** A busy rack GPU with errors: every reading has a value. */
const events = [{ at_s: 0, host: "h", do: "ecc_uncorrectable" }];
const scenario = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 1, model: "GB200" }], events });
const [state] = gpuStates({ scenario, host: scenario.hosts[0]!, seed: "s", epoch_ms: 0 }, 60_000);
const xml = xmlLog([state!], 0, 1).replace(
  "<supported_clocks>N/A</supported_clocks>",
  "<supported_clocks><supported_mem_clock><value>1 MHz</value></supported_mem_clock></supported_clocks>",
);
const csv = `${csvHeader(fullFields, true)}\n${csvRow(fullFields, true, state!, { now_ms: 0, count: 1 })}`;

const flat = (value: unknown, path = ""): [string, unknown][] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, child]) => flat(child, `${path}/${key}`))
    : [[path, value]];
const differing = (before: GpuReading, after: GpuReading) => {
  const now = new Map(flat(after));
  return flat(before).filter(([path, value]) => JSON.stringify(now.get(path)) !== JSON.stringify(value));
};

/** The reading named is null, and nothing else has changed. */
function expectGone(before: GpuReading, after: GpuReading, path: string, sentinel: string) {
  if (/lost/.test(sentinel)) {
    // The whole GPU is: no reading is left, and what identifies it stands but for the value that is gone.
    expect(after.presence).toBe("lost");
    expect(flat({ ...after.fast, ...after.health }).every(([, value]) => value === null)).toBe(true);
  } else {
    expect(after.presence).toBe("present");
    const changed = differing(before, after).map(([at]) => at);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter((at) => at !== path && !at.startsWith(`${path}/`))).toEqual([]);
  }
  // Where the group has gone whole, so has this member.
  expect(new Map(flat(after)).get(path) ?? null).toBeNull();
}

/** Where each element's value stands in the reading; a whole group where one member alone says nothing. */
const elements: Record<string, string> = {
  product_name: "/inventory/name",
  product_brand: "/inventory/brand",
  product_architecture: "/inventory/architecture",
  persistence_mode: "/inventory/persistence_enabled",
  current_mig: "/inventory/mig_enabled",
  serial: "/inventory/serial",
  uuid: "/uuid",
  pdi: "/inventory/pdi",
  vbios_version: "/inventory/vbios_version",
  board_part_number: "/inventory/board_part_number",
  gpu_part_number: "/inventory/gpu_part_number",
  chassis_serial_number: "/inventory/chassis_serial",
  slot_number: "/inventory/chassis_slot",
  tray_index: "/inventory/tray_index",
  module_id: "/inventory/module_id",
  img_version: "/inventory/inforom_image_version",
  pci_device_id: "/inventory/pci_device_id",
  max_link_gen: "/inventory/pcie_gen_max",
  max_link_width: "/inventory/pcie_width_max",
  current_ecc: "/inventory/ecc_enabled",
  current_link_gen: "/fast/pcie_gen",
  current_link_width: "/fast/pcie_width",
  gpu_util: "/fast/util_permille",
  memory_util: "/fast/mem_util_permille",
  gpu_temp: "/fast/temp_mc",
  gpu_recovery_action: "/health/recovery_action",
  replay_counter: "/health/pcie_replays",
  sram_threshold_exceeded: "/health/sram_threshold_exceeded",
  remapped_row_corr: "/health/remapped_rows",
  remapped_row_unc: "/health/remapped_rows",
  remapped_row_pending: "/health/remapped_rows/pending",
  remapped_row_failure: "/health/remapped_rows/failure",
  cliqueId: "/health/fabric/clique_id",
  clusterUuid: "/health/fabric/cluster_uuid",
};
/** Elements whose name stands in several places, with the text before the one meant. */
const within: Record<string, [outer: string, path: string]> = {
  sram_correctable: ["volatile", "/health/ecc_volatile/sram_correctable"],
  sram_uncorrectable_parity: ["volatile", "/health/ecc_volatile/sram_uncorrectable"],
  sram_uncorrectable_secded: ["aggregate", "/health/ecc_aggregate/sram_uncorrectable"],
  dram_correctable: ["aggregate", "/health/ecc_aggregate/dram_correctable"],
  dram_uncorrectable: ["aggregate", "/health/ecc_aggregate/dram_uncorrectable"],
  total: ["fb_memory_usage", "/inventory/fb_total_mib"],
  used: ["fb_memory_usage", "/fast/fb_used_mib"],
  current_power_limit: ["gpu_power_readings", "/inventory/power_limit_mw"],
  sm_clock: ["max_clocks", "/inventory/sm_clock_max_mhz"],
  state: ["fabric", "/health/fabric/state"],
  status: ["fabric", "/health/fabric/status"],
};

function replaced(outer: string | null, element: string, sentinel: string): string {
  const from = outer === null ? 0 : xml.indexOf(`<${outer}>`);
  const at = xml.indexOf(`<${element}>`, from) + element.length + 2;
  expect(from).toBeGreaterThanOrEqual(0);
  return xml.slice(0, at) + sentinel + xml.slice(xml.indexOf("</", at));
}

describe("XML: a sentinel in a value's place is null there and nothing elsewhere", () => {
  const before = parseXml(xml)[0]!;

  it("every reading that nvidia-smi has is there to be lost", () => {
    const none = flat(before).flatMap(([path, value]) => (value === null ? path : []));
    expect(none.sort()).toEqual([
      "/fast/energy_mj",
      "/fast/sm_activity_permille",
      "/inventory/host",
      "/inventory/mig_devices",
    ]);
  });

  it.each(Object.entries(elements))("%s", (element, path) => {
    for (const sentinel of sentinels) {
      // Here `None` is NVIDIA's own word for "nothing to recover from".
      if (element === "gpu_recovery_action" && sentinel === "None") continue;
      expectGone(before, parseXml(replaced(null, element, sentinel))[0]!, path, sentinel);
    }
  });

  it.each(Object.entries(within))("%s", (element, [outer, path]) => {
    for (const sentinel of sentinels) {
      expectGone(before, parseXml(replaced(outer, element, sentinel))[0]!, path, sentinel);
    }
  });

  it("any leaf at all: a value stays as it was or is null", () => {
    const leaves = [...xml.matchAll(/>([^<>\n]+)<\//g)];
    fc.assert(
      fc.property(fc.nat(leaves.length - 1), fc.constantFrom(...sentinels), (which, sentinel) => {
        const { index, 1: text } = leaves[which]!;
        const [after] = parseXml(xml.slice(0, index + 1) + sentinel + xml.slice(index + 1 + text!.length));
        const now = new Map(flat(after));
        for (const [path, value] of flat(before)) {
          if (path === "/presence" || path === "/health/recovery_action") continue;
          const got = now.get(path) ?? null;
          expect(got === null || JSON.stringify(got) === JSON.stringify(value), `${path}: ${got}`).toBe(true);
        }
        if (after!.presence === "lost") expect(sentinel).toMatch(/lost/);
      }),
      { numRuns: 300 },
    );
  });
});

/** The columns whose loss takes a whole group with it. */
const columns: Record<string, string> = {
  "remapped_rows.correctable": "/health/remapped_rows",
  "remapped_rows.uncorrectable": "/health/remapped_rows",
};

describe("CSV: a sentinel in a value's place is null there and nothing elsewhere", () => {
  const [header, row] = csv.split("\n");
  const cells = row!.split(", ");
  const before = parseCsv(csv)[0]!;
  const silentFields: string[] = [];

  it.each(fullFields.map((field, index) => [field, index] as const))("%s", (field, index) => {
    for (const sentinel of sentinels) {
      if (field === "gpu_recovery_action" && sentinel === "None") continue;
      const text = `${header}\n${cells.with(index, sentinel).join(", ")}`;
      const after = parseCsv(text)[0]!;
      if (/lost/.test(sentinel)) {
        expect(after.presence).toBe("lost");
        continue;
      }
      const changed = differing(before, after);
      const now = new Map(flat(after));
      for (const [path] of changed) expect(now.get(path) ?? null, path).toBeNull();
      const group = columns[field] ?? null;
      const changedOutside = changed.filter(([path]) => group === null || !path.startsWith(group));
      if (sentinel === "N/A" && changed.length === 0) silentFields.push(field);
      // The PCI address stands in the reading twice.
      expect(changedOutside.length).toBeLessThanOrEqual(field === "pci.bus_id" ? 2 : 1);
    }
  });

  it("only what another field tells as well can be lost without a trace", () => {
    const units = /\.(dram|device_memory|register_file|l1_cache|l2_cache|texture_memory|cbu)$/;
    expect(silentFields.filter((field) => !units.test(field))).toEqual([
      "enforced.power.limit",
      "power.limit",
    ]);
  });
});
