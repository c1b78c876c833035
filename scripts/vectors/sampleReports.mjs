// One report of each kind, as a chain of one device: what the vectors sign.
import { sha256 } from "./es256.mjs";

export const host = "vector-host-1";
export const uuid = "GPU-00000000-0000-4000-8000-000000000001";
const minute = 60_000;
/** 2026-01-01T00:00:00Z. */
export const t0 = 1_767_225_600_000;
const stat = (min, mean, max) => ({ min, mean, max });
const noEcc = { sram_correctable: 0, sram_uncorrectable: 0, dram_correctable: 0, dram_uncorrectable: 0 };

/** The members that all kinds share; `prev` comes from the chain. */
export function base(device, seq, prev, window) {
  const [start_ms, end_ms] = window;
  return {
    v: 1,
    device,
    host,
    boot: "00112233445566778899aabbccddeeff",
    seq,
    prev,
    window: { start_ms, end_ms, mono_start_ms: start_ms - t0 + 1000, mono_end_ms: end_ms - t0 + 1000 },
    beacon: seq === 0 ? null : { number: 1234, hash: `0x${sha256("vector: beacon block").toString("hex")}` },
    agent: "caliberd-vectors/1",
    source: "nvidia-smi",
    simulated: true,
  };
}

const inventory = {
  index: 0,
  uuid,
  serial: "0000000000001",
  pdi: null,
  name: "Simulated GPU",
  brand: null,
  architecture: "Hopper",
  vbios_version: "96.00.00.00.01",
  board_part_number: null,
  gpu_part_number: null,
  inforom_image_version: null,
  driver_version: "580.65.06",
  cuda_version: "13.0",
  pci_bus_id: "00000000:01:00.0",
  pci_device_id: "0x233010DE",
  pcie_gen_max: 5,
  pcie_width_max: 16,
  fb_total_mib: 81559,
  sm_clock_max_mhz: 1980,
  power_limit_mw: 700000,
  mig_enabled: false,
  ecc_enabled: true,
  persistence_enabled: true,
  module_id: null,
  chassis_serial: null,
  chassis_slot: null,
  tray_index: null,
  mig_devices: null,
  host: {
    machine_id: sha256("vector: machine-id").toString("hex"),
    boot_id: "ffeeddccbbaa99887766554433221100",
    vendor: "Example Systems",
    product: "GPU Server 8",
    serial: null,
    board_serial: null,
    chassis_serial: null,
    bios_version: "1.2.3",
    virtualization: "none",
    os: "Example Linux 1",
    kernel: "6.1.0",
  },
};

export const telemetry = {
  presence: "present",
  samples: 60,
  samples_expected: 60,
  samples_root: sha256("vector: samples root").toString("hex"),
  present_ms: minute,
  util_permille: stat(0, 731, 1000),
  sm_activity_permille: null,
  mem_util_permille: stat(0, 310, 480),
  fb_used_mib: stat(512, 70123, 79000),
  power_mw: stat(98_012, 512_345, 699_871),
  temp_mc: stat(31_000, 54_500, 67_000),
  sm_clock_mhz: stat(345, 1755, 1980),
  energy_mj: "18446744073709551615",
  pcie_gen: 5,
  pcie_width: 16,
  pcie_replays: 0,
  ecc_volatile: noEcc,
  ecc_aggregate: { ...noEcc, sram_correctable: null },
  remapped_rows: { correctable: 0, uncorrectable: 0, pending: false, failure: false },
  sram_threshold_exceeded: false,
  recovery_action: "none",
  throttle: ["sw_power_cap"],
  processes: 1,
  fabric: { state: "completed", status: "success", clique_id: 0, cluster_uuid: null },
  supplied: [{ source: "dcgm", fields: ["energy_mj"] }],
  xids: [],
  implausible: [],
};

/** A GPU that fell off the bus: present as an identity, silent as a machine. */
const lost = {
  ...telemetry,
  presence: "lost",
  samples: 0,
  present_ms: 0,
  samples_root: sha256("").toString("hex"),
  util_permille: null,
  mem_util_permille: null,
  fb_used_mib: null,
  power_mw: null,
  temp_mc: null,
  sm_clock_mhz: null,
  energy_mj: null,
  pcie_gen: null,
  pcie_width: null,
  pcie_replays: null,
  ecc_volatile: null,
  ecc_aggregate: null,
  remapped_rows: null,
  sram_threshold_exceeded: null,
  recovery_action: null,
  throttle: [],
  processes: null,
  fabric: null,
  supplied: [],
  xids: [
    {
      xid: 79,
      first_ms: t0 + minute + 1000,
      last_ms: t0 + minute + 1000,
      count: 1,
      source: "kernel-log",
      detail: "GPU has fallen off the bus.",
      resolution: "RESTART_BM",
      severity: "lost",
      rules: 1,
    },
  ],
};

/** Of the right form, and evidence of nothing: what a GPU signs is in evidence.json, and in no one's power to make up. */
const evidence = {
  challenge: sha256("vector: challenge").toString("hex"),
  chain_head: sha256("vector: chain head").toString("hex"),
  beacon: { number: 1234, hash: `0x${sha256("vector: beacon block").toString("hex")}` },
  report: sha256("vector: no SPDM report").toString("base64"),
  chain: `-----BEGIN CERTIFICATE-----\n${sha256("vector: no certificate").toString("base64")}\n-----END CERTIFICATE-----\n`,
  collector: "nvattest",
  asked_ms: t0 + 63 * minute,
  collected_ms: t0 + 63 * minute + 4200,
};

/** Kind, window and body of each report of the chain, in order; `consent` is the mint authorization's vector. */
export function chainOf(consent) {
  return [
    ["inventory", [t0, t0], inventory],
    ["telemetry", [t0, t0 + minute], telemetry],
    ["telemetry", [t0 + minute, t0 + 2 * minute], lost],
    [
      "pause",
      [t0 + 2 * minute, t0 + 2 * minute],
      { from_ms: t0 + 3 * minute, until_ms: t0 + 63 * minute, reason: "Fan replacement" },
    ],
    [
      "gap",
      [t0 + 2 * minute, t0 + 63 * minute],
      {
        reason: "restart",
        from_ms: t0 + 2 * minute,
        to_ms: t0 + 63 * minute,
        dropped: null,
        local_head_seq: 3,
        note: null,
      },
    ],
    ["consent", [t0 + 63 * minute, t0 + 63 * minute], consent],
    ["evidence", [t0 + 64 * minute, t0 + 64 * minute], evidence],
  ];
}
