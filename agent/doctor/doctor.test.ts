import { describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import type { InventoryBody } from "../../protocol/report/schema.js";
import { inventoryOf } from "../../test/support/testReports.js";
import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { AgentStatus } from "../runtime/agentStatus.js";
import type { OneReading } from "../scan/readOnce.js";
import { noReading } from "../sources/noReading.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import type { Check, Finding } from "./check.js";
import { checkAgent } from "./checkAgent.js";
import { type ClockFacts, checkClock } from "./checkClock.js";
import { checkDcgm } from "./checkDcgm.js";
import { checkDeviceFiles } from "./checkDeviceFiles.js";
import { checkDisk } from "./checkDisk.js";
import { checkDriver } from "./checkDriver.js";
import { checkEnrolledGpus } from "./checkEnrolledGpus.js";
import { checkGpus } from "./checkGpus.js";
import { checkKernelLog } from "./checkKernelLog.js";
import { checkNvidiaSmi } from "./checkNvidiaSmi.js";
import { checkNvml } from "./checkNvml.js";
import { checkPersistence } from "./checkPersistence.js";
import { checkService } from "./checkService.js";
import { clockSynchronized } from "./clockSynchronized.js";
import { runChecks } from "./runChecks.js";
import type { RunTool } from "./runTool.js";

const filesOf = (contents: Record<string, string>): HostFiles => ({
  read: (path) => contents[path] ?? null,
  exists: (path) => path in contents,
  list: (directory) => [
    ...new Set(
      Object.keys(contents).flatMap((path) =>
        path.startsWith(`${directory}/`) ? [path.slice(directory.length + 1).split("/")[0]!] : [],
      ),
    ),
  ],
});
const version =
  "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)\nGCC version: gcc 12\n";
const loaded = { "/proc/driver/nvidia/version": version };
const onBus = {
  "/sys/bus/pci/devices/0000:18:00.0/vendor": "0x10de\n",
  "/sys/bus/pci/devices/0000:18:00.0/class": "0x030200\n",
  "/sys/bus/pci/devices/0000:18:00.1/vendor": "0x10de\n",
  "/sys/bus/pci/devices/0000:18:00.1/class": "0x040300\n",
  "/sys/bus/pci/devices/0000:00:02.0/vendor": "0x1002\n",
  "/sys/bus/pci/devices/0000:00:02.0/class": "0x030000\n",
};
const said = async (check: Check): Promise<Finding> => check.run();

describe("driver", () => {
  it.each([
    ["loaded", loaded, "ok", "580.65.06"],
    ["hardware without a driver", onBus, "fail", "1 NVIDIA GPU is on the PCI bus, but"],
    ["nothing", {}, "fail", "shows no NVIDIA GPU"],
    ["a version of no known form", { "/proc/driver/nvidia/version": "NVRM\n" }, "ok", "unreadable version"],
  ])("%s", async (_name, contents, status, says) => {
    const found = await said(checkDriver(filesOf(contents)));
    expect(found).toMatchObject({ status, says: expect.stringContaining(says) });
    expect(found.fix === null).toBe(status === "ok");
  });
});

describe("device-files", () => {
  const nodes = {
    ...loaded,
    "/dev/nvidiactl": "",
    "/dev/nvidia0": "",
    "/dev/nvidia1": "",
    "/dev/nvidia-uvm": "",
  };
  it.each([
    ["all open", nodes, () => true, "ok", "of 2 GPUs"],
    ["one closed", nodes, (path: string) => path !== "/dev/nvidia1", "fail", "may not open /dev/nvidia1."],
    ["none made", loaded, () => true, "fail", "no device files"],
    ["no driver", {}, () => true, "unknown", "no driver is loaded"],
  ])("%s", async (_name, contents, canUse, status, says) => {
    expect(await said(checkDeviceFiles(filesOf(contents), canUse))).toMatchObject({
      status,
      says: expect.stringContaining(says),
    });
  });
});

describe("clock", () => {
  const facts = (synchronized: boolean | null, ahead_ms: number | null): ClockFacts => ({
    synchronized,
    offset: ahead_ms === null ? null : { ahead_ms, error_ms: 600 },
  });
  it.each([
    [facts(true, null), "ok", "synchronized."],
    [facts(true, 500), "ok", "agrees"],
    [facts(null, -500), "ok", "agrees"],
    [facts(false, 500), "warn", "not synchronized"],
    [facts(true, 10_000), "warn", "9 s ahead of"],
    [facts(true, -90_600), "fail", "90 s behind"],
    [facts(null, null), "unknown", "cannot be told"],
  ])("%j is %s", async (read, status, says) => {
    expect(await said(checkClock(async () => read))).toMatchObject({
      status,
      says: expect.stringContaining(says),
    });
  });

  it("takes timedatectl's word, then systemd's mark, and makes up none", async () => {
    const tool =
      (output: string | null): RunTool =>
      async () =>
        output === null ? null : { code: 0, output };
    const mark = filesOf({ "/run/systemd/timesync/synchronized": "" });
    expect(await clockSynchronized(tool("yes\n"), filesOf({}))).toBe(true);
    expect(await clockSynchronized(tool("no\n"), mark)).toBe(false);
    expect(await clockSynchronized(tool(null), mark)).toBe(true);
    expect(await clockSynchronized(tool("Failed to connect to bus\n"), filesOf({}))).toBe(null);
  });
});

describe("disk", () => {
  const mib = 1024 * 1024;
  it.each([
    [10_000, 0, "ok"],
    [400, 500, "ok"],
    [400, 0, "warn"],
    [10, 5000, "fail"],
  ])("%d MiB free beside a spool of %d MiB is %s", async (free, spool, status) => {
    const check = checkDisk(async () => ({ free_bytes: free * mib, spool_bytes: spool * mib }));
    expect(await said(check)).toMatchObject({ status, says: expect.stringContaining(`${free} MiB`) });
  });
});

describe("gpus, persistence, enrolled-gpus", () => {
  const gpus = ["GPU-a", "GPU-b"].map((uuid) => inventoryOf(uuid));
  const sample = (uuid: string, presence: GpuSample["presence"]): GpuSample => ({
    uuid,
    source: "nvml",
    supplied: [],
    xids: [],
    presence,
    at_ms: 1,
    at_mono_ms: 1,
    ...noReading,
  });
  const reading = (over: Partial<OneReading>): OneReading => ({
    source: "nvml",
    inventory: gpus,
    samples: gpus.map(({ uuid }) => sample(uuid, "present")),
    problems: [],
    ...over,
  });

  it("is well when every GPU answers", async () => {
    const found = await said(checkGpus(async () => reading({})));
    expect(found).toMatchObject({ status: "ok", says: expect.stringContaining("nvml reads 2 GPUs (") });
  });

  it("fails when none shows, and when one shows and does not answer", async () => {
    const none = await said(checkGpus(async () => reading({ inventory: [], samples: [] })));
    expect(none).toMatchObject({ status: "fail", says: "No GPU could be read through nvml." });
    const lost = reading({ samples: [sample("GPU-a", "present"), sample("GPU-b", "lost")] });
    expect(await said(checkGpus(async () => lost))).toMatchObject({
      status: "fail",
      says: "Not every GPU answers: GPU-b lost.",
    });
    expect(await said(checkGpus(async () => reading({ samples: [] })))).toMatchObject({ status: "fail" });
  });

  it.each([
    [[true, true], "ok"],
    [[true, false], "warn"],
    [[true, null], "unknown"],
    [[], "unknown"],
  ] as const)("persistence %j is %s", async (modes, status) => {
    const read = async (): Promise<InventoryBody[]> =>
      modes.map((persistence_enabled) => ({ ...inventoryOf("GPU-a"), persistence_enabled }));
    expect(await said(checkPersistence(read))).toMatchObject({ status });
  });

  it("does not advise on persistence mode where no GPU could be read", async () => {
    expect(await said(checkPersistence(async () => []))).toMatchObject({
      says: expect.stringContaining("no GPU could be read"),
      fix: expect.not.stringContaining("persistenced"),
    });
  });

  it.each([
    [["GPU-a", "GPU-b"], "ok", "All 2"],
    [["GPU-a"], "warn", "GPU-b"],
    [["GPU-a", "GPU-b", "GPU-c"], "fail", "1 of 3 enrolled GPUs do not show: GPU-c"],
  ])("of enrolled %j it is %s", async (uuids, status, says) => {
    const enrolled = uuids.map((uuid) => ({ uuid }));
    expect(await said(checkEnrolledGpus(enrolled, async () => gpus))).toMatchObject({
      status,
      says: expect.stringContaining(says),
    });
  });

  it("says of nvidia-smi what it said itself", async () => {
    expect(await said(checkNvidiaSmi(async () => ({ found: true, gpus: 1 })))).toMatchObject({
      status: "ok",
    });
    const absent = {
      found: false,
      code: "NVIDIA_SMI_NOT_FOUND",
      reason: "no nvidia-smi at nvidia-smi",
    } as const;
    expect(await said(checkNvidiaSmi(async () => absent))).toMatchObject({
      status: "warn",
      says: "nvidia-smi cannot be used: no nvidia-smi at nvidia-smi.",
    });
  });
});

describe("nvml, dcgm, kernel-log", () => {
  it("says of NVML what it said itself", async () => {
    expect(await said(checkNvml(async () => ({ found: true, gpus: 8 })))).toMatchObject({
      status: "ok",
      says: "NVML shows 8 GPUs.",
    });
    const absent = { found: false, code: "NVML_NOT_FOUND", reason: "no library" } as const;
    expect(await said(checkNvml(async () => absent))).toMatchObject({
      status: "warn",
      fix: expect.stringContaining("--nvml PATH"),
    });
  });

  const full = [
    "PROF_SM_UTIL_RATIO",
    "DEV_XID_ERRORS",
    "DEV_TOTAL_ENERGY_CONSUMPTION",
    "DEV_ROW_REMAP_FAILED",
  ]
    .map((name) => `DCGM_FI_${name}{gpu="0"} 1\n`)
    .join("");
  const aggregate = 'DCGM_FI_DEV_ECC_DBE_AGG_DEV{gpu="0"} 0\n';
  const gone = new CaliberError("DCGM_UNREACHABLE", "no answer", { details: "ECONNREFUSED" });
  it.each<[string, string | CaliberError, boolean, string, string]>([
    ["all counters, by old and new names", full + aggregate, true, "ok", "with the counters"],
    ["one lacking", full, true, "warn", "DCGM_FI_DEV_ECC_DBE_AGG_DEV"],
    ["another's metrics", "node_load1 1\n", true, "warn", "gives no counters"],
    ["absent and wanted", gone, true, "warn", "ECONNREFUSED"],
    ["absent", gone, false, "ok", "none is needed"],
  ])("dcgm: %s", async (_name, answer, wanted, status, says) => {
    const fetch = async (): Promise<string> => {
      if (typeof answer !== "string") throw answer;
      return answer;
    };
    expect(await said(checkDcgm({ fetch, needed: async () => wanted }))).toMatchObject({
      status,
      says: expect.stringContaining(says),
    });
  });

  it("knows whether Xids can be seen", async () => {
    expect(await said(checkKernelLog(async () => undefined))).toMatchObject({ status: "ok" });
    const shut = async (): Promise<void> => {
      throw new CaliberError("KERNEL_LOG_UNREADABLE", "no", { details: "/dev/kmsg: EPERM" });
    };
    expect(await said(checkKernelLog(shut))).toMatchObject({
      status: "warn",
      says: expect.stringContaining("/dev/kmsg: EPERM"),
    });
  });
});

describe("service", () => {
  const systemd = (load: string, active = "active", enabled = "enabled", restarts = "0"): RunTool => {
    const output = `LoadState=${load}\nActiveState=${active}\nUnitFileState=${enabled}\nNRestarts=${restarts}\n`;
    return async () => ({ code: 0, output });
  };
  it.each([
    ["running", systemd("loaded"), "ok"],
    ["no systemd", async () => ({ code: 1, output: "System has not been booted with systemd" }), "unknown"],
    ["no systemctl", async () => null, "unknown"],
    ["not installed", systemd("not-found", "inactive"), "warn"],
    ["failed", systemd("loaded", "failed"), "fail"],
    ["not enabled", systemd("loaded", "active", "disabled"), "warn"],
    ["restarted", systemd("loaded", "active", "enabled", "3"), "warn"],
  ] as [string, RunTool, string][])("%s", async (_name, run, status) => {
    expect(await said(checkService(run))).toMatchObject({ status });
  });
});

describe("agent", () => {
  const status: AgentStatus = {
    v: 1,
    pid: 7,
    agent: "a",
    host: "h",
    simulated: false,
    updated_ms: 100_000,
    started_ms: 1,
    connected: true,
    mqtt_url: "mqtts://x",
    in_flight: 0,
    spool: { waiting: 0, reports: 0, report_bytes: 0 },
    certificate_expires_ms: 1,
    devices: [
      {
        uuid: "GPU-a",
        device: "d",
        presence: null,
        open: true,
        head_seq: 1,
        last_report_ms: 1,
        last_receipt_ms: 1,
      },
    ],
  };
  const shut = status.devices.map((device) => ({ ...device, open: false }));
  it.each([
    ["none", null, "fail"],
    ["well", status, "ok"],
    ["silent", { ...status, updated_ms: 1 }, "fail"],
    ["cut off", { ...status, connected: false }, "fail"],
    ["waiting", { ...status, devices: shut }, "warn"],
    ["behind", { ...status, spool: { ...status.spool, waiting: 5000 } }, "warn"],
  ])("%s", async (_name, read, expected) => {
    expect(await said(checkAgent(() => read, 101_000))).toMatchObject({ status: expected });
  });
});

describe("runChecks", () => {
  const check = (id: string, run: Check["run"]): Check => ({ id, run });
  const finding = (status: Finding["status"]): Finding => ({ status, says: "It is.", fix: null });

  it("keeps the order, and answers with the worst", async () => {
    const all = ["ok", "fail", "warn"] as const;
    const { status, results } = await runChecks(
      all.map((one) => check(one, () => finding(one))),
      { timeout_ms: 1000 },
    );
    expect([status, results.map(({ id }) => id)]).toEqual(["fail", [...all]]);
    expect((await runChecks([], { timeout_ms: 1000 })).status).toBe("ok");
  });

  it("never takes a check that fails or hangs for a good one", async () => {
    const { status, results } = await runChecks(
      [
        check("throws", () => {
          throw new TypeError("oh");
        }),
        check("hangs", () => new Promise(() => undefined)),
        check("well", () => finding("ok")),
      ],
      { timeout_ms: 50 },
    );
    expect(status).toBe("unknown");
    expect(results).toEqual([
      {
        id: "throws",
        status: "unknown",
        says: "the check itself failed: oh",
        fix: "Report this as a fault.",
      },
      {
        id: "hangs",
        status: "unknown",
        says: "the check itself failed: no end after 50 ms",
        fix: "Report this as a fault.",
      },
      { id: "well", ...finding("ok") },
    ]);
  });
});
