import type { ScannedGpu, ScanResult } from "../../../agent/scan/scanResult.js";
import type { HostFacts, InventoryBody, TelemetryBody, XidEvent } from "../../../protocol/report/schema.js";

type Row = readonly [label: string, value: string, source?: string];
type Stat = TelemetryBody["power_mw"];

const unknown = "unknown";
const said = (value: string | number | null, unit = ""): string =>
  value === null ? unknown : `${value}${unit}`;
const flag = (value: boolean | null): string => (value === null ? unknown : value ? "on" : "off");
const all = (...parts: string[]): string =>
  parts.every((part) => part.includes(unknown)) ? unknown : parts.join(", ");

/** A scan for people: a table for each GPU, with where each reading came from. What nobody told is `unknown`. */
export function scanText(result: ScanResult): string {
  const parts = [
    result.from === "live" ? `this machine, through ${result.source}\n` : `saved ${result.from}\n`,
    ...(result.host === null ? [] : [table(hostRows(result.host))]),
    ...result.gpus.map(gpuText),
    ...(result.gpus.length === 0 ? ["no fault of a GPU is told\n"] : []),
    ...result.problems.map(
      ({ code, message, details }) =>
        `problem: ${message} (${code})${details === null ? "" : `\n  ${details}`}\n`,
    ),
  ];
  return parts.join("\n");
}

function hostRows(host: HostFacts): Row[] {
  return [
    ["maker", said(host.vendor)],
    ["product", said(host.product)],
    ["serial", said(host.serial)],
    ["board serial", said(host.board_serial)],
    ["chassis serial", said(host.chassis_serial)],
    ["BIOS", said(host.bios_version)],
    ["virtualization", said(host.virtualization)],
    ["system", said(host.os)],
    ["kernel", said(host.kernel)],
    ["machine id", said(host.machine_id)],
    ["boot id", said(host.boot_id)],
  ];
}

function gpuText(gpu: ScannedGpu): string {
  const { uuid, bus_id, inventory, telemetry, dcgm, xids, implausible } = gpu;
  const index = inventory?.index ?? null;
  const title = [
    `GPU${index === null ? "" : ` ${index}`}`,
    ...(inventory?.name == null ? [] : [inventory.name]),
    uuid ?? `at ${bus_id ?? "an unknown address"}`,
    ...(telemetry === null ? [] : [telemetry.presence]),
  ].join("  ");
  const rows: Row[] = [
    ...(inventory === null ? [] : inventoryRows(inventory)),
    ...(telemetry === null ? [] : telemetryRows(telemetry)),
    ...Object.entries(dcgm ?? {}).map(([name, value]): Row => [name, JSON.stringify(value), "dcgm"]),
    ...(xids.length === 0 ? [["Xids", "none told"] as const] : xids.map(xidRow)),
    ...(implausible.length === 0
      ? [["implausible", "nothing found"] as const]
      : implausible.map(({ code, evidence }): Row => ["implausible", `${code}: ${evidence}`])),
  ];
  return `${title}\n${table(rows)}`;
}

function inventoryRows(gpu: InventoryBody): Row[] {
  const { mig_devices } = gpu;
  const mig =
    mig_devices === null || mig_devices.length === 0
      ? flag(gpu.mig_enabled)
      : `${flag(gpu.mig_enabled)}: ${mig_devices.map(({ profile, gpu_instance }) => profile ?? `instance ${gpu_instance}`).join(", ")}`;
  return [
    ["serial", said(gpu.serial)],
    ["PDI", said(gpu.pdi)],
    [
      "model",
      all(
        said(gpu.architecture),
        `part ${said(gpu.gpu_part_number)}`,
        `board ${said(gpu.board_part_number)}`,
      ),
    ],
    ["firmware", all(`VBIOS ${said(gpu.vbios_version)}`, `infoROM ${said(gpu.inforom_image_version)}`)],
    ["driver", all(said(gpu.driver_version), `CUDA ${said(gpu.cuda_version)}`)],
    ["PCI", all(said(gpu.pci_bus_id), `device ${said(gpu.pci_device_id)}`)],
    ["PCIe at most", all(`generation ${said(gpu.pcie_gen_max)}`, `${said(gpu.pcie_width_max)} lanes`)],
    ["memory", said(gpu.fb_total_mib, " MiB")],
    ["power limit", gpu.power_limit_mw === null ? unknown : watts(gpu.power_limit_mw)],
    ["SM clock at most", said(gpu.sm_clock_max_mhz, " MHz")],
    ["ECC", flag(gpu.ecc_enabled)],
    ["MIG", mig],
    ["persistence", flag(gpu.persistence_enabled)],
    [
      "place",
      all(
        `module ${said(gpu.module_id)}`,
        `chassis ${said(gpu.chassis_serial)}`,
        `slot ${said(gpu.chassis_slot)}`,
        `tray ${said(gpu.tray_index)}`,
      ),
    ],
  ];
}

function telemetryRows(body: TelemetryBody): Row[] {
  const from = (...fields: string[]): string =>
    body.supplied.find(({ fields: given }) => given.some((field) => fields.includes(field)))?.source ?? "";
  const stat = (label: string, name: keyof TelemetryBody, show: (value: number) => string): Row => [
    label,
    spread(body[name] as Stat, show),
    from(name),
  ];
  const { remapped_rows: rows, fabric } = body;
  return [
    stat("utilization", "util_permille", percent),
    stat("SM activity", "sm_activity_permille", percent),
    stat("memory utilization", "mem_util_permille", percent),
    stat("memory used", "fb_used_mib", (mib) => `${mib} MiB`),
    stat("power", "power_mw", watts),
    stat("temperature", "temp_mc", (mc) => `${mc / 1000} °C`),
    stat("SM clock", "sm_clock_mhz", (mhz) => `${mhz} MHz`),
    ["energy", said(body.energy_mj, " mJ"), from("energy_mj")],
    [
      "PCIe now",
      all(`generation ${said(body.pcie_gen)}`, `${said(body.pcie_width)} lanes`),
      from("pcie_gen", "pcie_width"),
    ],
    ["PCIe replays", said(body.pcie_replays), from("pcie_replays")],
    ["ECC since driver load", ecc(body.ecc_volatile), from("ecc_volatile")],
    ["ECC for life", ecc(body.ecc_aggregate), from("ecc_aggregate")],
    [
      "SRAM threshold",
      said(body.sram_threshold_exceeded === null ? null : body.sram_threshold_exceeded ? "exceeded" : "kept"),
    ],
    [
      "remapped rows",
      rows === null ? unknown : `${rows.correctable} correctable, ${rows.uncorrectable} uncorrectable`,
      from("remapped_rows"),
    ],
    ["recovery action", said(body.recovery_action), from("recovery_action")],
    ["throttle", body.throttle === null ? unknown : body.throttle.join(", ") || "none", from("throttle")],
    ["processes", said(body.processes), from("processes")],
    [
      "fabric",
      fabric === null ? unknown : all(said(fabric.state), `status ${said(fabric.status)}`),
      from("fabric"),
    ],
  ];
}

function xidRow({ xid, count, detail, severity, resolution, source, last_ms }: XidEvent): Row {
  const name = xid === null ? "fell off the bus" : `Xid ${xid}`;
  const times = count === 1 ? "" : `, ${count} times`;
  const advice = resolution === null ? "" : `, NVIDIA: ${resolution}`;
  const words = detail === null ? "" : `: ${detail}`;
  return [name, `${severity}${advice}${times}, last ${new Date(last_ms).toISOString()}${words}`, source];
}

function ecc(counters: TelemetryBody["ecc_volatile"]): string {
  if (counters === null) return unknown;
  return Object.entries(counters)
    .map(([name, value]) => `${name.replace("_", " ")} ${said(value)}`)
    .join(", ");
}

function spread(stat: Stat, show: (value: number) => string): string {
  if (stat === null) return unknown;
  const { min, mean, max } = stat;
  return min === max ? show(mean) : `${show(mean)} (${show(min)} to ${show(max)})`;
}

const percent = (permille: number): string => `${permille / 10} %`;
const watts = (mw: number): string => `${mw / 1000} W`;

function table(rows: readonly Row[]): string {
  const wide = Math.max(...rows.map(([label]) => label.length));
  return rows
    .map(([label, value, source]) => `  ${label.padEnd(wide)}  ${value}${source ? `  [${source}]` : ""}\n`)
    .join("");
}
