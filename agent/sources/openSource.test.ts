import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildNvmlWorker } from "../../test/nvml/buildNvmlWorker.js";
import { fakeGpu } from "../../test/nvml/fakeGpu.js";
import { createFakeHost, type FakeHost, hasCompiler } from "../../test/nvml/fakeHost.js";
import { systemClock } from "../runtime/systemClock.js";
import { readOnce } from "../scan/readOnce.js";
import { openSource, type SourceSettings } from "./openSource.js";

const bare: SourceSettings = {
  source: "auto",
  nvidia_smi: "/nowhere/nvidia-smi",
  nvml: "libcaliber-none.so.1",
  dcgm: "off",
  kernel_log: "off",
};
const open = (over: Partial<SourceSettings>) =>
  openSource({ ...bare, ...over }, { known: [], clock: systemClock });

describe.skipIf(!hasCompiler())("openSource", () => {
  let host: FakeHost;
  let directory: string;
  beforeAll(() => {
    buildNvmlWorker();
    host = createFakeHost();
    directory = mkdtempSync(join(tmpdir(), "caliber-source-"));
  }, 60_000);
  afterAll(() => {
    host.remove();
    rmSync(directory, { recursive: true });
  });

  it("takes NVML before nvidia-smi, and nvidia-smi where there is no library", async () => {
    host.write({ gpus: [fakeGpu(0)] });
    expect((await open({ nvml: host.library })).name).toBe("nvml");
    expect((await open({})).name).toBe("nvidia-smi");
  });

  it("waits with NVML for a driver that is not loaded yet", async () => {
    host.write({ gpus: [], machine: ["init 9"] });
    expect((await open({ nvml: host.library })).name).toBe("nvml");
  });

  it("does as it is told, without looking", async () => {
    host.write({ gpus: [fakeGpu(0)] });
    expect((await open({ source: "nvidia-smi", nvml: host.library })).name).toBe("nvidia-smi");
    expect((await open({ source: "nvml" })).name).toBe("nvml");
  });

  it("joins the kernel log: a fault goes with the GPU that it names", async () => {
    host.write({ gpus: [fakeGpu(0)] });
    const log = join(directory, "kern.log");
    writeFileSync(log, "");
    const source = await open({ nvml: host.library, kernel_log: log as `/${string}` });
    const reading = readOnce(source, { patience_ms: 10_000, settle_ms: 4000 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const bus_id = source.inventory()[0]?.pci_bus_id;
    const line = `Nov 21 12:00:00 host kernel: NVRM: Xid (PCI:${bus_id?.slice(4, -2)}): 79, pid=1, GPU has fallen off the bus.\n`;
    writeFileSync(log, line, { flag: "a" });
    const { samples, problems } = await reading;
    expect(problems).toEqual([]);
    expect(samples.flatMap(({ xids }) => xids)).toMatchObject([
      { xid: 79, source: "kernel-log", severity: "lost" },
    ]);
  });

  it("says nothing of an exporter that nobody asked for, and tells of one that somebody did", async () => {
    host.write({ gpus: [fakeGpu(0)] });
    const quick = { patience_ms: 10_000, settle_ms: 0 };
    const told = async (dcgm: SourceSettings["dcgm"]) =>
      (await readOnce(await open({ nvml: host.library, dcgm }), quick)).problems.map(({ code }) => code);
    expect(await told("http://127.0.0.1:1/metrics")).toEqual(["DCGM_UNREACHABLE"]);
    expect(await told("auto")).toEqual([]);
  });
});
