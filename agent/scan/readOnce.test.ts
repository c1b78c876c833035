import { describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import { inventoryOf } from "../../test/support/testReports.js";
import { systemClock } from "../runtime/systemClock.js";
import { noReading } from "../sources/noReading.js";
import { createNvidiaSmiSource } from "../sources/nvidiaSmi/createNvidiaSmiSource.js";
import type { GpuSample, SourceListener, TelemetrySource } from "../sources/telemetrySource.js";
import { readOnce } from "./readOnce.js";

const quick = { patience_ms: 100, settle_ms: 20 };
const sample: GpuSample = {
  uuid: "GPU-a",
  source: "nvml",
  supplied: [],
  xids: [],
  presence: "present",
  at_ms: 1,
  at_mono_ms: 1,
  ...noReading,
};
const sourceOf = (start: (to: SourceListener) => Promise<void>, gpus = 1) => {
  let stopped = 0;
  const source: TelemetrySource = {
    name: "nvml",
    start,
    stop: async () => {
      stopped += 1;
    },
    inventory: () => (gpus === 0 ? [] : [inventoryOf("GPU-a")]),
  };
  return { source, stopped: () => stopped };
};

describe("readOnce", () => {
  it("waits for the first samples, then a moment for more, and stops the source", async () => {
    const { source, stopped } = sourceOf(async (to) => {
      setTimeout(() => to.onSamples([sample]), 30);
      setTimeout(() => to.onSamples([{ ...sample, at_ms: 2 }]), 40);
      setTimeout(() => to.onSamples([{ ...sample, at_ms: 3 }]), 400);
    });
    const reading = await readOnce(source, quick);
    expect(reading).toMatchObject({ source: "nvml", problems: [] });
    expect(reading.inventory).toHaveLength(1);
    expect(reading.samples.map(({ at_ms }) => at_ms)).toEqual([1, 2]);
    expect(stopped()).toBe(1);
  });

  it("does not wait for samples of GPUs that are not there", async () => {
    const { source } = sourceOf(async (to) => to.onProblem(new CaliberError("NO", "none")), 0);
    const before = performance.now();
    expect((await readOnce(source, { patience_ms: 10_000, settle_ms: 10_000 })).problems).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it("gives up on a source that never answers, and says so", async () => {
    for (const start of [() => new Promise<void>(() => undefined), async () => undefined]) {
      const { source, stopped } = sourceOf(start);
      const { problems } = await readOnce(source, quick);
      expect(problems.map(({ code }) => code)).toEqual(["SOURCE_TIMEOUT"]);
      expect(stopped()).toBe(1);
    }
  });

  it("lives on after a program that cannot be started", async () => {
    const source = createNvidiaSmiSource({ path: "/nowhere/nvidia-smi", clock: systemClock });
    const { inventory, problems } = await readOnce(source, { ...quick, patience_ms: 10_000 });
    expect(inventory).toEqual([]);
    expect(problems[0]?.code).toBe("NVIDIA_SMI_NOT_FOUND");
  });
});
