import { reasonsOf } from "./csvFields.js";
import type { GpuState } from "./gpuState.js";

type Node = readonly [name: string, content: string | number | readonly Node[]];

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function render([name, content]: Node, depth: number): string {
  const indent = "\t".repeat(depth);
  if (typeof content === "number" || typeof content === "string") {
    return `${indent}<${name}>${escaped(String(content))}</${name}>\n`;
  }
  return `${indent}<${name}>\n${content.map((child) => render(child, depth + 1)).join("")}${indent}</${name}>\n`;
}

const allNa = (name: string, children: readonly string[]): Node => [
  name,
  children.map((child): Node => [child, "N/A"]),
];

/** What `nvidia-smi -q -x` prints for these GPUs. */
export function xmlLog(gpus: readonly GpuState[], now_ms: number, attached: number): string {
  const first = gpus[0];
  const dtd = first?.model.dtd ?? 13;
  const head = [
    '<?xml version="1.0" ?>',
    `<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v${dtd}.dtd">`,
    "<nvidia_smi_log>",
    `\t<timestamp>${asctime(now_ms)}</timestamp>`,
    `\t<driver_version>${first?.model.driver ?? "N/A"}</driver_version>`,
    `\t<cuda_version>${first?.model.cuda ?? "N/A"}</cuda_version>`,
    `\t<attached_gpus>${attached}</attached_gpus>`,
    "",
  ].join("\n");
  return `${head}${gpus.map(gpuElement).join("")}</nvidia_smi_log>\n`;
}

function gpuElement(gpu: GpuState): string {
  const children = gpuChildren(gpu).map((node) => render(node, 2));
  return `\t<gpu id="${gpu.busId}">\n${children.join("")}\t</gpu>\n`;
}

function gpuChildren(gpu: GpuState): Node[] {
  const { model } = gpu;
  const lost = gpu.lost !== null;
  /** A reading of a lost GPU says so in its place. */
  const live = (text: string | number): string | number => (lost ? "GPU is lost" : text);
  const unlessMig = (text: string) => live(gpu.mig ? "N/A" : text);
  const eccCounts = (uncorrectable: number): Node[] => [
    ["sram_correctable", live(0)],
    ["sram_uncorrectable_parity", live(0)],
    ["sram_uncorrectable_secded", live(0)],
    ["dram_correctable", live(0)],
    ["dram_uncorrectable", live(uncorrectable)],
  ];
  return [
    ["product_name", model.product],
    ["product_brand", "NVIDIA"],
    ["product_architecture", model.architecture],
    ["display_mode", model.dtd >= 13 ? "Requested functionality has been deprecated" : "Enabled"],
    ["display_active", "Disabled"],
    ["persistence_mode", "Enabled"],
    ["addressing_mode", "None"],
    [
      "mig_mode",
      [
        ["current_mig", gpu.mig ? "Enabled" : "Disabled"],
        ["pending_mig", gpu.mig ? "Enabled" : "Disabled"],
      ],
    ],
    ["mig_devices", gpu.mig && !lost ? migDevices(gpu) : "None"],
    ["accounting_mode", "Disabled"],
    ["accounting_mode_buffer_size", 4000],
    allNa("driver_model", ["current_dm", "pending_dm"]),
    ["serial", gpu.serial],
    ["uuid", gpu.uuid],
    ...(model.dtd >= 13 ? [["pdi", gpu.pdi] as const] : []),
    ["minor_number", gpu.index],
    ["vbios_version", model.vbios],
    ["multigpu_board", "No"],
    ["board_id", `0x${Number.parseInt(gpu.busId.slice(9, 11), 16).toString(16)}00`],
    ["board_part_number", model.boardPart],
    ["gpu_part_number", model.gpuPart],
    ["gpu_fru_part_number", "N/A"],
    [
      "platformInfo",
      [
        ["chassis_serial_number", gpu.place.chassis ?? "N/A"],
        ["slot_number", gpu.place.slot ?? "N/A"],
        ["tray_index", gpu.place.tray ?? "N/A"],
        ["host_id", model.platform === "module" ? "N/A" : 1],
        ["peer_type", model.platform === "module" ? "N/A" : "Switch Connected"],
        ["module_id", gpu.moduleId],
        ["gpu_fabric_guid", model.platform === "module" ? "N/A" : gpu.pdi],
      ],
    ],
    [
      "inforom_version",
      [
        ["img_version", model.inforom],
        ["oem_object", "2.1"],
        ["ecc_object", "7.16"],
        ["pwr_object", "N/A"],
      ],
    ],
    allNa("inforom_bbx_flush", ["latest_timestamp", "latest_duration"]),
    allNa("gpu_operation_mode", ["current_gom", "pending_gom"]),
    ["c2c_mode", "Disabled"],
    [
      "gpu_virtualization_mode",
      [
        ["virtualization_mode", "None"],
        ["host_vgpu_mode", "N/A"],
        ["vgpu_heterogeneous_mode", "N/A"],
      ],
    ],
    ["gpu_reset_status", [["reset_required", "Requested functionality has been deprecated"]]],
    ["gpu_recovery_action", live(gpu.recovery)],
    ["gsp_firmware_version", model.driver],
    ["ibmnpu", [["relaxed_ordering_mode", "N/A"]]],
    pci(gpu, live),
    ["fan_speed", "N/A"],
    ["performance_state", live("P0")],
    [
      "clocks_event_reasons",
      Object.entries(reasonsOf(gpu)).map(
        ([name, on]): Node => [`clocks_event_reason_${name}`, live(on ? "Active" : "Not Active")],
      ),
    ],
    ["sparse_operation_mode", "Disabled"],
    [
      "fb_memory_usage",
      [
        ["total", live(`${model.fbTotalMib} MiB`)],
        ["reserved", live("512 MiB")],
        ["used", live(`${gpu.fbUsedMib} MiB`)],
        ["free", live(`${model.fbTotalMib - 512 - gpu.fbUsedMib} MiB`)],
      ],
    ],
    [
      "bar1_memory_usage",
      [
        ["total", live("131072 MiB")],
        ["used", live("2 MiB")],
        ["free", live("131070 MiB")],
      ],
    ],
    [
      "cc_protected_memory_usage",
      [
        ["total", live("0 MiB")],
        ["used", live("0 MiB")],
        ["free", live("0 MiB")],
      ],
    ],
    ["compute_mode", "Default"],
    [
      "utilization",
      [
        ["gpu_util", unlessMig(`${gpu.util} %`)],
        ["memory_util", unlessMig(`${gpu.memUtil} %`)],
        ["encoder_util", unlessMig("0 %")],
        ["decoder_util", unlessMig("0 %")],
        ["jpeg_util", unlessMig("0 %")],
        ["ofa_util", unlessMig("0 %")],
      ],
    ],
    [
      "ecc_mode",
      [
        ["current_ecc", "Enabled"],
        ["pending_ecc", "Enabled"],
      ],
    ],
    [
      "ecc_errors",
      [
        ["volatile", eccCounts(gpu.eccVolatile)],
        ["aggregate", [...eccCounts(gpu.eccAggregate), ["sram_threshold_exceeded", live("No")]]],
        [
          "aggregate_uncorrectable_sram_sources",
          ["sram_l2", "sram_sm", "sram_microcontroller", "sram_pcie", "sram_other"].map(
            (source): Node => [source, live(0)],
          ),
        ],
      ],
    ],
    [
      "retired_pages",
      [
        allNa("multiple_single_bit_retirement", ["retired_count", "retired_pagelist"]),
        allNa("double_bit_retirement", ["retired_count", "retired_pagelist"]),
        ["pending_blacklist", "N/A"],
        ["pending_retirement", "N/A"],
      ],
    ],
    ["remapped_rows", lost ? "GPU is lost" : gpu.mig ? "N/A" : remappedRows(gpu)],
    [
      "temperature",
      [
        ["gpu_temp", live(`${gpu.tempC} C`)],
        ["gpu_temp_tlimit", live(`${87 - gpu.tempC} C`)],
        ["gpu_temp_max_tlimit_threshold", "-8 C"],
        ["gpu_temp_slow_tlimit_threshold", "-2 C"],
        ["gpu_temp_max_gpu_tlimit_threshold", "0 C"],
        ["gpu_target_temperature", "N/A"],
        ["memory_temp", live(`${gpu.memTempC} C`)],
        ["gpu_temp_max_mem_tlimit_threshold", "0 C"],
      ],
    ],
    [
      "gpu_power_readings",
      [
        ["power_state", live("P0")],
        ["average_power_draw", live(watts(gpu.powerW))],
        ["instant_power_draw", live(watts(gpu.powerW))],
        ["current_power_limit", watts(model.powerLimitW)],
        ["requested_power_limit", watts(model.powerLimitW)],
        ["default_power_limit", watts(model.powerLimitW)],
        ["min_power_limit", watts(model.minPowerLimitW)],
        ["max_power_limit", watts(model.powerLimitW)],
      ],
    ],
    allNa("gpu_memory_power_readings", ["average_power_draw", "instant_power_draw"]),
    allNa("module_power_readings", [
      "power_state",
      "average_power_draw",
      "instant_power_draw",
      "current_power_limit",
      "default_power_limit",
    ]),
    ["power_smoothing", "N/A"],
    [
      "clocks",
      [
        ["graphics_clock", live(`${gpu.smClockMhz} MHz`)],
        ["sm_clock", live(`${gpu.smClockMhz} MHz`)],
        ["mem_clock", live(`${gpu.memClockMhz} MHz`)],
        ["video_clock", live(`${Math.round(gpu.smClockMhz * 0.78)} MHz`)],
      ],
    ],
    [
      "max_clocks",
      [
        ["graphics_clock", `${model.smClockMhz} MHz`],
        ["sm_clock", `${model.smClockMhz} MHz`],
        ["mem_clock", `${model.memClockMhz} MHz`],
        ["video_clock", `${Math.round(model.smClockMhz * 0.78)} MHz`],
      ],
    ],
    [
      "fabric",
      [
        ["state", live(gpu.fabric?.state ?? "N/A")],
        ["status", live(gpu.fabric?.status ?? "N/A")],
        ["cliqueId", live(gpu.fabric?.clique ?? "N/A")],
        ["clusterUuid", live(gpu.fabric?.cluster ?? "N/A")],
        allNa("health", ["summary", "bandwidth", "route_unhealthy"]),
      ],
    ],
    ["supported_clocks", "N/A"],
    [
      "processes",
      (lost ? [] : gpu.processes).map(
        ({ pid, name, usedMib }): Node => [
          "process_info",
          [
            ["gpu_instance_id", "N/A"],
            ["compute_instance_id", "N/A"],
            ["pid", pid],
            ["type", "C"],
            ["process_name", name],
            ["used_memory", `${usedMib} MiB`],
          ],
        ],
      ),
    ],
    ["accounted_processes", []],
  ];
}

const watts = (value: number) => `${value.toFixed(2)} W`;

function pci({ model, busId, replays }: GpuState, live: (text: string | number) => string | number): Node {
  return [
    "pci",
    [
      ["pci_bus", busId.slice(9, 11)],
      ["pci_device", "00"],
      ["pci_domain", "0000"],
      ["pci_device_id", model.pciDeviceId],
      ["pci_bus_id", busId],
      ["pci_sub_system_id", model.pciSubSystemId],
      [
        "pci_gpu_link_info",
        [
          [
            "pcie_gen",
            [
              ["max_link_gen", live(model.pcieGen)],
              ["current_link_gen", live(model.pcieGen)],
              ["device_current_link_gen", live(model.pcieGen)],
              ["max_device_link_gen", live(model.pcieGen)],
              ["max_host_link_gen", "N/A"],
            ],
          ],
          [
            "link_widths",
            [
              ["max_link_width", live("16x")],
              ["current_link_width", live("16x")],
            ],
          ],
        ],
      ],
      ["replay_counter", live(replays)],
      ["replay_rollover_counter", live(0)],
      ["tx_util", live("612 KB/s")],
      ["rx_util", live("704 KB/s")],
    ],
  ];
}

function remappedRows(gpu: GpuState): Node[] {
  return [
    ["remapped_row_corr", 0],
    ["remapped_row_unc", gpu.remapped],
    ["remapped_row_pending", gpu.remapPending ? "Yes" : "No"],
    ["remapped_row_failure", "No"],
    [
      "row_remapper_histogram",
      [
        ["row_remapper_histogram_max", `${gpu.model.remapBanks - gpu.remapped} bank(s)`],
        ["row_remapper_histogram_high", `${gpu.remapped} bank(s)`],
        ["row_remapper_histogram_partial", "0 bank(s)"],
        ["row_remapper_histogram_low", "0 bank(s)"],
        ["row_remapper_histogram_none", "0 bank(s)"],
      ],
    ],
  ];
}

function migDevices(gpu: GpuState): Node[] {
  return [0, 1].map(
    (index): Node => [
      "mig_device",
      [
        ["index", index],
        ["gpu_instance_id", index + 1],
        ["compute_instance_id", 0],
        [
          "fb_memory_usage",
          [
            ["total", `${Math.floor(gpu.model.fbTotalMib / 2)} MiB`],
            ["used", `${Math.floor(gpu.fbUsedMib / 2)} MiB`],
          ],
        ],
      ],
    ],
  );
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** C's asctime: `Fri Aug  4 11:44:30 2023`. */
function asctime(now_ms: number): string {
  const at = new Date(now_ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${days[at.getDay()]} ${months[at.getMonth()]} ${String(at.getDate()).padStart(2)} ${time} ${at.getFullYear()}`;
}
