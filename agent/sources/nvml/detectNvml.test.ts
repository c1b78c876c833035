import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildNvmlWorker } from "../../../test/nvml/buildNvmlWorker.js";
import { fakeGpu } from "../../../test/nvml/fakeGpu.js";
import { createFakeHost, type FakeHost, hasCompiler } from "../../../test/nvml/fakeHost.js";
import { detectNvml } from "./detectNvml.js";

describe.skipIf(!hasCompiler())("detectNvml", () => {
  let host: FakeHost;
  beforeAll(() => {
    buildNvmlWorker();
    host = createFakeHost();
  }, 60_000);
  afterAll(() => host.remove());
  const detect = () => detectNvml({ library: host.library, timeout_ms: 2000 });

  it("counts the GPUs", async () => {
    host.write({ gpus: [fakeGpu(0), fakeGpu(1, { all: "!15" })] });
    expect(await detect()).toEqual({ found: true, gpus: 2 });
  });

  it.each([
    ["no GPU", [], "NVML_NO_DEVICES", "NVML finds no GPU"],
    ["no GPU, told at init", ["init 28"], "NVML_NO_DEVICES", "NVML finds no GPU: nvmlInit_v2 returned 28"],
    [
      "no driver",
      ["init 9"],
      "NVML_DRIVER_NOT_LOADED",
      "the NVIDIA driver is not loaded: nvmlInit_v2 returned 9",
    ],
  ])("says why not: %s", async (_, machine, code, reason) => {
    host.write({ gpus: [], machine });
    expect(await detect()).toEqual({ found: false, code, reason });
  });

  it("says why not: the only GPU may not be opened", async () => {
    host.write({ gpus: [fakeGpu(0, { handle: "!4" })] });
    expect(await detect()).toMatchObject({ found: false, code: "NVML_NO_PERMISSION" });
  });

  it("says why not: no library", async () => {
    const found = await detectNvml({ library: "libcaliber-none.so.1" });
    expect(found).toMatchObject({ found: false, code: "NVML_NOT_FOUND" });
    expect(found.found === false && found.reason).toMatch(
      /^cannot load the NVML library libcaliber-none\.so\.1: .+/,
    );
  });

  it("gives up on a library that does not answer", async () => {
    host.write({ gpus: [], machine: ["hang nvmlInit_v2"] });
    expect(await detectNvml({ library: host.library, timeout_ms: 200 })).toEqual({
      found: false,
      code: "NVML_SILENT",
      reason: "NVML has not answered for 200 ms",
    });
    host.write({ gpus: [] });
  });
});
