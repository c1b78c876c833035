import { generateKeyPairSync } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import type { HostFacts } from "../../protocol/report/schema.js";
import { inventoryOf, testChain } from "../../test/support/testReports.js";
import { noReading } from "../sources/noReading.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import { scanLive } from "./scanLive.js";
import type { ScannedGpu } from "./scanResult.js";
import { scanSaved } from "./scanSaved.js";

const read_ms = 1_800_000_000_000;
const host: HostFacts = {
  machine_id: null,
  boot_id: null,
  vendor: "Supermicro",
  product: null,
  serial: null,
  board_serial: null,
  chassis_serial: null,
  bios_version: null,
  virtualization: null,
  os: null,
  kernel: null,
};
const sample = (n: number, over: Partial<GpuSample> = {}): GpuSample => ({
  uuid: "GPU-a",
  source: "nvml",
  supplied: [],
  xids: [],
  presence: "present",
  at_ms: read_ms + n * 1000,
  at_mono_ms: 5000 + n * 1000,
  fast: { ...noReading.fast, power_mw: 100_000 + n, util_permille: 0 },
  health: noReading.health,
  ...over,
});
const chain = testChain(
  { id: "0".repeat(64), key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey },
  "h-test",
);
/** What a scan shows must be what the agent could sign. */
const expectReportable = ({ inventory, telemetry }: ScannedGpu): void => {
  const window = { start_ms: 1, end_ms: 1 };
  for (const [kind, body] of [
    ["inventory", inventory],
    ["telemetry", telemetry],
  ] as const) {
    if (body === null) continue;
    const report = chain.draft(kind, body, window);
    expect(parseReport(Buffer.from(JSON.stringify(report)))).toEqual(report);
  }
};

describe("scanLive", () => {
  it("shows what the agent would report, with the machine, the supplements and the faults", () => {
    const xid = {
      xid: 79,
      first_ms: read_ms,
      last_ms: read_ms,
      count: 1,
      source: "kernel-log",
      detail: null,
      resolution: "RESTART_BM",
      severity: "lost",
      rules: 1,
    } as const;
    const samples = [
      sample(0),
      sample(1, { supplied: [{ source: "dcgm", fields: ["sm_activity_permille"] }], xids: [xid] }),
    ];
    const problems = [new CaliberError("DCGM_STALE", "old", { details: "why" })];
    const reading = { source: "nvml", inventory: [inventoryOf("GPU-a")], samples, problems } as const;
    const result = scanLive(reading, host, read_ms);
    expect(result).toMatchObject({
      v: 1,
      from: "live",
      source: "nvml",
      host,
      problems: [{ code: "DCGM_STALE", message: "old", details: "why" }],
    });
    expect(result.gpus).toHaveLength(1);
    const [gpu] = result.gpus;
    expect(gpu).toMatchObject({
      uuid: "GPU-a",
      inventory: { host },
      telemetry: {
        presence: "present",
        samples: 2,
        power_mw: { min: 100_000, max: 100_001 },
        supplied: [{ source: "dcgm", fields: ["sm_activity_permille"] }],
      },
      xids: [xid],
      dcgm: null,
    });
    expectReportable(gpu!);
  });

  it("tells a problem that came twice once", () => {
    const problem = (details: string) => new CaliberError("NVIDIA_SMI_FAILED", "ended", { details });
    const problems = [problem("a"), problem("a"), problem("b")];
    const result = scanLive({ source: "nvidia-smi", inventory: [], samples: [], problems }, null, read_ms);
    expect(result.problems.map(({ details }) => details)).toEqual(["a", "b"]);
  });

  it("does not lose a GPU that has samples and no inventory, nor the other way round", () => {
    const reading = {
      source: "nvml",
      inventory: [inventoryOf("GPU-b")],
      samples: [sample(0)],
      problems: [],
    } as const;
    const { gpus } = scanLive(reading, null, read_ms);
    expect(
      gpus.map(({ uuid, inventory, telemetry }) => [uuid, inventory !== null, telemetry !== null]),
    ).toEqual([
      ["GPU-b", true, false],
      ["GPU-a", false, true],
    ]);
  });

  it("finds what cannot be true, and nothing when the wall clock is set back meanwhile", () => {
    const inventory = [{ ...inventoryOf("GPU-a"), power_limit_mw: 700_000 }];
    const busy = (n: number, over: Partial<GpuSample> = {}) =>
      sample(n, { fast: { ...noReading.fast, power_mw: 2_000_000 }, ...over });
    const found = scanLive(
      { source: "nvml", inventory, samples: [busy(0), busy(1)], problems: [] },
      null,
      read_ms,
    );
    expect(found.gpus[0]?.implausible.map(({ code }) => code)).toContain("POWER_ABOVE_LIMIT");
    const back = [sample(0), sample(1, { at_ms: read_ms - 60_000 })];
    const clean = scanLive({ source: "nvml", inventory, samples: back, problems: [] }, null, read_ms);
    expect(clean.gpus[0]?.implausible.map(({ code }) => code)).not.toContain("PRESENT_BEYOND_WINDOW");
  });
});

describe("scanSaved", () => {
  it("reads a kernel log: each GPU once, a storm as a count, and says what has no date", () => {
    const line = "[ 1234.5] NVRM: Xid (PCI:0000:18:00): 79, pid=1, GPU has fallen off the bus.\n";
    const result = scanSaved(line.repeat(3), read_ms);
    expect(result).toMatchObject({
      from: "kernel-log",
      source: null,
      host: null,
      problems: [{ code: "SCAN_UNDATED" }],
    });
    expect(result.gpus).toMatchObject([
      {
        uuid: null,
        bus_id: "00000000:18:00.0",
        inventory: null,
        xids: [{ xid: 79, count: 3, severity: "lost" }],
      },
    ]);
  });

  it("reads a log of the driver without any fault as no GPU, which is no error", () => {
    const text = "kernel: NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.65.06\n";
    expect(scanSaved(text, read_ms)).toMatchObject({ from: "kernel-log", gpus: [], problems: [] });
  });

  it("reads a log in which the driver says nothing, in each of the forms that the kernel's log is saved in", () => {
    for (const line of [
      "6,3964,206764307,-;nvidia-nvswitch2: open (major=510)",
      "[    0.000000] Linux version 6.8.0",
      "Nov 21 12:00:00 host-1 kernel: usb 1-1: new device",
      "2025-02-23T16:24:18+00:00 host-1 kernel: usb 1-1: new device",
    ]) {
      expect(scanSaved(`${line}\n`, read_ms)).toMatchObject({ from: "kernel-log", gpus: [], problems: [] });
    }
  });

  it("counts a storm of 20,000 lines, and keeps its first and last time", () => {
    const line = (s: number) =>
      `2025-02-23T16:24:${10 + s}Z h kernel: NVRM: Xid (PCI:0000:18:00): 31, words\n`;
    const { gpus } = scanSaved(line(0) + line(1).repeat(19_998) + line(2), read_ms);
    const first_ms = Date.UTC(2025, 1, 23, 16, 24, 10);
    expect(gpus.map(({ xids }) => xids)).toMatchObject([
      [{ xid: 31, count: 20_000, first_ms, last_ms: first_ms + 2000 }],
    ]);
  });

  it("reads metrics, without taking them for a GPU that answers", () => {
    const uuid = "GPU-6d5c0ac5-74d7-3130-46f1-e93ed57f469a";
    const labels = `{gpu="0",UUID="${uuid}",pci_bus_id="00000000:18:00.0"}`;
    const text = `# TYPE DCGM_FI_DEV_GPU_TEMP gauge\nDCGM_FI_DEV_GPU_TEMP${labels} 74\nDCGM_FI_DEV_XID_ERRORS${labels} 31\n`;
    const result = scanSaved(text, read_ms);
    expect(result).toMatchObject({ from: "dcgm", source: null, problems: [{ code: "SCAN_UNDATED" }] });
    expect(result.gpus).toMatchObject([
      { uuid, telemetry: null, dcgm: { temp_mc: 74_000 }, xids: [{ xid: 31, source: "dcgm" }] },
    ]);
  });

  it("says that an XML had to be repaired, and how often", () => {
    const uuid = "GPU-6d5c0ac5-74d7-3130-46f1-e93ed57f469a";
    const clocks = "<supported_clocks><supported_mem_clock><value>1 MHz</value></supported_clocks>";
    const xml = `<nvidia_smi_log><gpu id="00000000:18:00.0"><uuid>${uuid}</uuid>${clocks}</gpu></nvidia_smi_log>`;
    const whole = xml.replace("</value>", "</value></supported_mem_clock>");
    expect(scanSaved(whole, read_ms)).toMatchObject({ gpus: [{ uuid }], problems: [] });
    expect(scanSaved(xml, read_ms)).toMatchObject({
      gpus: [{ uuid }],
      problems: [{ code: "NVIDIA_SMI_XML_REPAIRED", message: expect.stringContaining("in one place") }],
    });
  });

  it.each([
    ["nvidia-smi-xml", "<nvidia_smi_log><attached_gpus>0</attached_gpus></nvidia_smi_log>"],
    ["nvidia-smi-csv", "No devices were found\n"],
    ["nvidia-smi-csv", "index, uuid, power.draw [W]\n"],
  ])("reads a machine without GPUs from %s as no GPU, and says so", (from, text) => {
    expect(scanSaved(text, read_ms)).toMatchObject({
      from,
      gpus: [],
      problems: [{ code: "NVIDIA_SMI_NO_DEVICES" }],
    });
  });

  it("refuses what is none of these", () => {
    for (const text of ["", "root:x:0:0\n", "{}", "\u0000\u0001"]) {
      expect(() => scanSaved(text, read_ms)).toThrow(expect.objectContaining({ code: "SCAN_FILE_UNKNOWN" }));
    }
  });

  const samples = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-xml`;
  it.skipIf(!existsSync(samples) && process.env.CI !== "true")(
    "shows recorded files as reports that could be signed",
    () => {
      const files = readdirSync(samples, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".xml"),
      );
      expect(files.length).toBeGreaterThan(10);
      for (const name of files) {
        const { from, source, gpus } = scanSaved(readFileSync(join(samples, name), "utf8"), read_ms);
        expect([from, source, gpus.length > 0]).toEqual(["nvidia-smi-xml", "nvidia-smi", true]);
        for (const gpu of gpus) expectReportable(gpu);
      }
    },
  );
});
